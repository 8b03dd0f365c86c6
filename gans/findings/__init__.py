"""What was found, as sentences in plain words."""
