"""What gans.evaluate may be asked, checked before anything heavy is imported."""

from collections.abc import Mapping
from typing import Any

from gans.errors import UserError, in_range, one_of

LEVEL = "standard"


def check_judging(given: Mapping[str, Any]) -> None:
    """Raise UserError where arguments do not go together or have values that are not allowed."""
    if given.get("retrain") and "run" not in given:
        raise UserError("retrain=true: it trains a run again; set run=DIR.")
    one_of("members", given.get("members", "best"), ("all", "best"))
    in_range("draws", given.get("draws", 1), 1)
    from gans.evaluation.metrics import LEVELS

    one_of("metrics", given.get("metrics", LEVEL), LEVELS)
