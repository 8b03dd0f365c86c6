"""How good a synthetic table is."""
