"""Rows from a trained generator."""
