"""GAN variants in JAX: tables of customer profiles in, synthetic ones out."""

from typing import TYPE_CHECKING, Any

from gans.errors import UserError

if TYPE_CHECKING:
    from gans.synthesizer import Synthesizer

__all__ = ["Synthesizer", "UserError"]


def __getattr__(name: str) -> Any:
    """`Synthesizer`, imported where it is used, for it imports scikit-learn."""
    if name != "Synthesizer":
        raise AttributeError(f"module 'gans' has no attribute '{name}'")
    from gans.synthesizer import Synthesizer

    return Synthesizer
