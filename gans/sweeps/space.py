"""A search space in Hydra's own grammar: KEY=choice(a,b), KEY=interval(low,high), KEY=range(low,high,step), and tags.

`tag(log, interval(1e-5,1e-2))` draws on a logarithmic scale, `tag(int, interval(1,9))` whole numbers; a,b is a choice.
"""

from dataclasses import dataclass
from typing import Any

from gans.config.compose import compose, read_overrides
from gans.config.names import decoded
from gans.config.run import Run
from gans.errors import UserError


@dataclass(frozen=True)
class Dimension:
    """A key with what it may hold.

    Attributes:
        choices: as texts; empty for a range of numbers.
        log: whether the scale of the numbers is logarithmic.
        whole: whether they are whole.
        step: between numbers; None for any.
    """

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    step: float | None = None

    def suggest(self, trial: Any) -> str:
        """A value as text, by a trial of Optuna."""
        if self.choices:
            return str(trial.suggest_categorical(self.key, list(self.choices)))
        if self.whole:
            step = 1 if self.step is None else int(self.step)
            return str(trial.suggest_int(self.key, int(self.low), int(self.high), step=step, log=self.log))
        return repr(trial.suggest_float(self.key, self.low, self.high, step=self.step, log=self.log))

    @property
    def example(self) -> str:
        """Its first choice or lowest number."""
        if self.choices:
            return self.choices[0]
        return str(int(self.low)) if self.whole else repr(self.low)

    def wandb(self) -> dict[str, Any]:
        """As the configuration of a Weights & Biases sweep has it."""
        import yaml

        if self.choices:
            return {"values": [yaml.safe_load(choice) for choice in self.choices]}
        if self.whole:
            kind = "q_log_uniform_values" if self.log else "int_uniform"
            return {"distribution": kind, "min": int(self.low), "max": int(self.high)}
        kind = "log_uniform_values" if self.log else "uniform"
        bounds = {"distribution": kind, "min": self.low, "max": self.high}
        return bounds | {"q": self.step, "distribution": f"q_{kind}"} if self.step else bounds


def read_space(arguments: list[str]) -> tuple[list[Dimension], list[str]]:
    """The dimensions among overrides, and the other overrides.

    Raises:
        UserError: an override cannot be read, or spans what cannot be searched.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    space, fixed = [], []
    parser = OverridesParser.create()
    for argument in read_overrides(arguments, multirun=True):
        override = parser.parse_override(argument)
        if not override.is_sweep_override():
            fixed.append(argument)
            continue
        space.append(_dimension(override, argument))
    return space, fixed


def example_run(space: list[Dimension], fixed: list[str]) -> Run:
    """A run of the space, composed to see that it can be.

    Raises:
        UserError: it cannot, or has no score to search by.
    """
    run = compose([*fixed, *(f"{dimension.key}={dimension.example}" for dimension in space)])
    if not run.trainer.direction:
        raise UserError("trainer.best=last: it has no score to search by; set trainer.best to score or another.")
    return run


def _dimension(override: Any, argument: str) -> Dimension:
    from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, RangeSweep

    key, sweep = decoded(override.get_key_element().lstrip("+")), override.value()
    tags = set(getattr(sweep, "tags", ()))
    if tags - {"log", "int", "float"}:
        raise UserError(f"{argument}: tags are {', '.join(sorted(tags))}; allowed are log, int and float.")
    if isinstance(sweep, ChoiceSweep):
        return Dimension(key, tuple(override.sweep_string_iterator()))
    if not isinstance(sweep, (IntervalSweep, RangeSweep)):
        raise UserError(f"{argument}: allowed are choice(...), interval(low,high) and range(low,high,step).")
    if isinstance(sweep, RangeSweep):
        low, high, step = (float(number or 0) for number in (sweep.start, sweep.stop, sweep.step))
        high = _last_of_range(low, high, step)
        whole = all(isinstance(number, int) for number in (sweep.start, sweep.stop, sweep.step))
    else:
        low, high, step = float(sweep.start or 0), float(sweep.end or 0), None
        whole = "int" in tags
    if not low < high or ("log" in tags and low <= 0):
        raise UserError(f"{argument}: the numbers reach from {low:g} to {high:g}; the first must be smaller"
                        f"{', and more than 0' if 'log' in tags else ''}.")  # fmt: skip
    return Dimension(key, (), low, high, "log" in tags, whole, step)


def _last_of_range(start: float, stop: float, step: float) -> float:
    """The last number of a range, whose end is not in it; its first where there is no other."""
    if step <= 0:
        return start
    count = -((start - stop) // step)  # of its numbers: (stop - start) / step, rounded up
    return start + step * max(count - 1, 0)


def values_of(space: list[Dimension], trial: Any) -> list[str]:
    """KEY=VALUE of each dimension by a trial."""
    return [f"{dimension.key}={dimension.suggest(trial)}" for dimension in space]
