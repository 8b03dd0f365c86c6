"""GAN variants in JAX: tables of customer profiles in, synthetic ones out."""

from gans.errors import UserError
from gans.synthesizer import Synthesizer

__all__ = ["Synthesizer", "UserError"]
