"""A run on disk: prepared, executed, finished, opened."""
