"""No condition."""

from dataclasses import dataclass
from typing import ClassVar

from gans.conditions.base import Condition
from gans.registry import register


@register("condition", "none")
@dataclass(kw_only=True)
class Unconditional(Condition):
    """Generator and discriminator see no condition."""

    conditional: ClassVar[bool] = False
