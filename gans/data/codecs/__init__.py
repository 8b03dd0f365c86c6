"""Codecs: a table to codes and scalars, and back."""

from gans.data.codecs.base import Codec, FittedCodec

__all__ = ["Codec", "FittedCodec"]
