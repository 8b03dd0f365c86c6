"""Attacks on private experiments, for scripts/audit.py: each gives a canary's scores in runs with and without it."""
