"""The schema of a run, composing it, its cross-checks, reading a stored one back."""
