"""A blind test of synthetic rows by people: `python -m gans.quiz run=DIR out=FOLDER`."""

from gans.quiz.main import command

__all__ = ["command"]
