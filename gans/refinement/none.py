"""No refinement."""

from dataclasses import dataclass

from gans.refinement.base import Refinement
from gans.registry import register


@register("refine", "none")
@dataclass(kw_only=True)
class Unrefined(Refinement):
    """Rows as the generator makes them."""
