"""A blind test of synthetic rows by people: `python -m gans.quiz run=DIR out=FOLDER`."""

from gans.quiz.command import KEYS, main

__all__ = ["KEYS", "main"]
