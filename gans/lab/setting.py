"""What the page may set of a toy: keys of `gans.train`, each with the values that it may have.

A setting is those keys with their values. It is composed as on a command line, so that a run by `gans.train` does the
same, and what does not go together is refused by the same words.
"""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gans.config.compose import compose, load_schemas
from gans.config.run import Run
from gans.errors import UserError, nearest
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
        """The value, or UserError."""
        if value is None and self.null:
            return None
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if not self.low <= number <= self.high or (self.whole and int(number) != number):
            kind = "a whole number" if self.whole else "a number"
            raise UserError(f"{key}={shown(value)}: {kind} from {self.low:.10g} to {self.high:.10g} is needed.")
        return int(number) if self.whole else float(number)


@dataclass(frozen=True)
class Choice:
    """One of some values, or a list of several of them."""

    words: tuple[Any, ...]
    several: bool = False

    def read(self, key: str, value: Any) -> Any:
        """The value, or UserError."""
        values = value if self.several and isinstance(value, list) else [value]
        for one in values:
            if not any(type(one) is type(word) and one == word for word in self.words):
                raise UserError(f"{key}={shown(one)}: allowed are {', '.join(map(shown, self.words))}.")
        return list(dict.fromkeys(values)) if self.several else value


@dataclass(frozen=True)
class Widths:
    """Widths of the hidden layers."""

    most: int

    def read(self, key: str, value: Any) -> list[int]:
        """The value, or UserError."""
        if not isinstance(value, list) or len(value) > MOST_LAYERS:
            raise UserError(f"{key}={shown(value)}: a list of at most {MOST_LAYERS} widths is needed.")
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
        "trainer.batch_size": 256,
        "seed": 0,
    }


def read_setting(given: Any) -> dict[str, Any]:
    """What a page says, with what it leaves out as usual.

    Raises:
        UserError: an unknown key, or a value that is not allowed.
    """
    if not isinstance(given, Mapping):
        raise UserError(f"setting={shown(given)}: an object of keys and values is needed.")
    allowed = keys()
    for key in given:
        if key not in allowed:
            raise UserError(f"unknown key {key}; allowed are {', '.join(allowed)}.{nearest(str(key), allowed)}")
    out = {key: allowed[key].read(key, given.get(key, value)) for key, value in usual().items()}
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
    return compose(overrides(setting))


def command(setting: Mapping[str, Any], steps: int) -> str:
    """The command that trains the same."""
    return shlex.join(["python", "-m", "gans.train", *overrides(setting), f"trainer.steps={max(steps, 1_000)}"])


def shown(value: Any) -> str:
    """A value that is not allowed, in a message."""
    text = "true" if value is True else "false" if value is False else "null" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _argument(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{','.join(map(str, value))}]"
    return shown(value)
