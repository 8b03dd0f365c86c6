"""What each of the five uses takes, checked before anything heavy is imported."""

from collections.abc import Mapping
from typing import Any

from gans.errors import UserError, one_of

SCENARIOS = ("marketing", "risk", "product", "research", "privacy")
OWN = {
    "marketing": ("positive", "cost", "margin"),
    "risk": ("positive", "shortages", "steps"),
    "product": ("of", "by", "where"),
    "research": ("positive", "k"),
    "privacy": ("secrets",),
}


def check_scenario(given: Mapping[str, Any]) -> str:
    """The scenario that is given.

    Raises:
        UserError: there is none of that name, or an option is one of another scenario.
    """
    if "scenario" not in given:
        raise UserError(f"scenario is not set; allowed are {', '.join(SCENARIOS)}.")
    scenario = given["scenario"]
    one_of("scenario", scenario, SCENARIOS)
    every = {key for keys in OWN.values() for key in keys}
    if foreign := sorted((every - set(OWN[scenario])) & set(given)):
        raise UserError(f"{foreign[0]}={given[foreign[0]]}: scenario={scenario} takes {', '.join(OWN[scenario])}.")
    return scenario
