"""The lab: a page in a browser on which a GAN learns, live on toys, or replayed from a run."""

from gans.lab.main import command

__all__ = ["command"]
