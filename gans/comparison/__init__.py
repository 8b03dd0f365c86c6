"""Comparing variants over data sets and training seeds."""
