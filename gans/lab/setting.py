"""What the page may set of a toy: keys of `gans.train`, each with the values that it may have.

A setting is those keys with their values. It is composed as on a command line, so that a run by `gans.train` does the
same, and what does not go together is refused by the same words.
"""

import copy
import functools
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gans.config.compose import compose, load_schemas
from gans.config.run import Run
from gans.lab.refusals import RefusedError, listed, shown
from gans.networks.base import PRIORS
from gans.registry import COMPONENTS

TOYS: dict[str, tuple[str, ...]] = {  # by name what the page says of it beside
    "ring": ("data.sigma=0.05",),  # wide enough to be seen
    "grid": (),
    "line": (),
    "disjoint": (),
    "moons": (),
    "drawing": ("data.path=drawing.png",),  # that the page saves
}
POINTS = 20_000  # of a toy
FIXED = (
    "codec=standard",
    "network=mlp",
    "network.generator_dropout=0",
    "network.discriminator_dropout=0",
    "optimizer.schedule=constant",
    f"data.rows={POINTS}",
)
RATES = ("optimizer.learning_rate", "optimizer.discriminator_learning_rate")  # numbers to the compiled program
MOST_LAYERS = 5


@dataclass(frozen=True)
class Range:
    """Numbers from low to high."""

    low: float
    high: float
    whole: bool = False
    null: bool = False

    def read(self, key: str, value: Any) -> Any:
        """The value, or RefusedError."""
        if value is None and self.null:
            return None
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if not self.low <= number <= self.high or (self.whole and int(number) != number):
            kind = "whole" if self.whole else "number"
            raise RefusedError(kind, name=key, value=value, low=f"{self.low:.10g}", high=f"{self.high:.10g}")
        return int(number) if self.whole else float(number)


@dataclass(frozen=True)
class Choice:
    """One of some values, or a list of several of them."""

    words: tuple[Any, ...]
    several: bool = False

    def read(self, key: str, value: Any) -> Any:
        """The value, or RefusedError."""
        values = value if self.several and isinstance(value, list) else [value]
        for one in values:
            if not any(type(one) is type(word) and one == word for word in self.words):
                raise RefusedError("choice", name=key, value=one, allowed=listed(self.words))
        return list(dict.fromkeys(values)) if self.several else value


@dataclass(frozen=True)
class Widths:
    """Widths of the hidden layers."""

    most: int

    def read(self, key: str, value: Any) -> list[int]:
        """The value, or RefusedError."""
        if not isinstance(value, list) or len(value) > MOST_LAYERS:
            raise RefusedError("widths", name=key, value=value, most=MOST_LAYERS)
        return [Range(1, self.most, whole=True).read(key, width) for width in value]


def keys() -> dict[str, Range | Choice | Widths]:
    """What may be set."""
    load_schemas()
    penalties = tuple(sorted(COMPONENTS["penalty"]))
    return {
        "data": Choice(tuple(TOYS)),
        "objective": Choice(tuple(sorted(COMPONENTS["objective"]))),
        "penalty": Choice(penalties, several=True),
        **{weight_key(name): Range(0, 1_000) for name in penalties},
        "network.generator_widths": Widths(256),
        "network.discriminator_widths": Widths(256),
        "network.latent": Range(1, 64, whole=True),
        "network.prior": Choice(PRIORS),
        "network.spectral_norm": Choice((False, True)),
        "network.pack": Choice((1, 2, 4, 8)),
        "optimizer": Choice(tuple(sorted(COMPONENTS["optimizer"]))),
        RATES[0]: Range(1e-6, 1),
        RATES[1]: Range(1e-6, 1),
        "optimizer.clip": Range(1e-3, 10, null=True),
        "trainer.critic_steps": Range(1, 10, whole=True),
        "trainer.generator_steps": Range(1, 10, whole=True),
        "trainer.batch_size": Choice((32, 64, 128, 256, 512, 1024)),
        "seed": Range(0, 2**31 - 1, whole=True),
    }


def weight_key(penalty: str) -> str:
    """The key of a penalty's weight."""
    fields: Any = COMPONENTS["penalty"][penalty]
    return f"penalty.{penalty}.{'gamma' if 'gamma' in fields.__dataclass_fields__ else 'weight'}"


def usual() -> dict[str, Any]:
    """The setting of a page that says nothing else."""
    load_schemas()
    weights = {
        weight_key(name): getattr(kind, weight_key(name).rpartition(".")[2])
        for name, kind in COMPONENTS["penalty"].items()
    }
    return {
        "data": "ring",
        "objective": "non_saturating",
        "penalty": [],
        **weights,
        "network.generator_widths": [64, 64],
        "network.discriminator_widths": [64, 64],
        "network.latent": 2,
        "network.prior": "normal",
        "network.spectral_norm": False,
        "network.pack": 1,
        "optimizer": "adam",
        RATES[0]: 1e-3,
        RATES[1]: 1e-3,
        "optimizer.clip": None,
        "trainer.critic_steps": 1,
        "trainer.generator_steps": 1,
        "trainer.batch_size": 256,
        "seed": 0,
    }


def read_setting(given: Any) -> dict[str, Any]:
    """What a page says, with what it leaves out as usual.

    Raises:
        UserError: an unknown key, a value that is not allowed, or parts that do not go together.
    """
    if not isinstance(given, Mapping):
        raise RefusedError("object", name="setting", value=given)
    allowed = keys()
    for key in given:
        if key not in allowed:
            raise RefusedError("unknown", name=key, allowed=listed(allowed))
    out: dict[str, Any] = {key: allowed[key].read(key, given.get(key, value)) for key, value in usual().items()}
    objective: Any = COMPONENTS["objective"][out["objective"]]
    chosen = {"objective": out["objective"], "penalty": listed(out["penalty"])}
    if objective.takes is not None and not set(out["penalty"]) <= set(objective.takes):
        raise RefusedError("takes", **chosen, allowed=listed(objective.takes or ("none",)))
    if objective.needs and not any(out.get(name) or name in out["penalty"] for name in objective.needs):
        raise RefusedError("needs", **chosen, allowed=listed(objective.needs))
    run_of(out)
    return out


def overrides(setting: Mapping[str, Any]) -> list[str]:
    """The setting as arguments of `gans.train`, without what is as usual there and with what the page fixes."""
    idle = {weight_key(name) for name in COMPONENTS["penalty"] if name not in setting["penalty"]}
    said = [f"{key}={_argument(value)}" for key, value in setting.items() if key not in idle]
    return [*said, *TOYS[setting["data"]], *FIXED]


def run_of(setting: Mapping[str, Any]) -> Run:
    """The run of a setting.

    Raises:
        UserError: its parts do not go together.
    """
    return copy.deepcopy(_composed(tuple(overrides(setting))))


@functools.lru_cache(maxsize=1)
def _composed(arguments: tuple[str, ...]) -> Run:
    """A setting is checked and then trained: composed once."""
    return compose(list(arguments))


def command(setting: Mapping[str, Any], steps: int) -> str:
    """The command that trains the same."""
    return shlex.join(["python", "-m", "gans.train", *overrides(setting), f"trainer.steps={max(steps, 1_000)}"])


def _argument(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(map(str, value))}]"
    return shown(value)
