"""Cases whose synthetic rows are known: more real rows, noise, or copies, in the place of a trained generator."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.data.detection import detect
from gans.decisions.cases import Case
from gans.evaluation.inputs import read_sides
from gans.sampling.where.grammar import Where


def shoppers(rows: int, seed: int) -> pa.Table:
    """Customers of two planted groups; who buys follows a logistic law of age and visits."""
    rng = np.random.default_rng(seed)
    loyal = rng.random(rows) < 0.4
    age = rng.normal(np.where(loyal, 55, 30), 5)
    visits = rng.poisson(np.where(loyal, 12, 3))
    spend = np.exp(rng.normal(np.where(loyal, 4, 2), 0.4)).round(2)
    city = np.where(loyal, rng.choice(["Rome", "Ulm"], rows, p=[0.8, 0.2]), rng.choice(["Rome", "Ulm"], rows))
    chance = 1 / (1 + np.exp(-(-2.5 + 1.2 * (age - 40) / 13 + 0.15 * (visits - 6) + 0.8 * (city == "Ulm"))))
    return pa.table(
        {
            "age": age.round(1),
            "visits": visits,
            "spend": spend,
            "city": city,
            "member": np.where(rng.random(rows) < 0.5, "yes", "no"),
            "bought": np.where(rng.random(rows) < chance, "yes", "no"),
        }
    )


class Stub:
    """In the place of a sampler: rows drawn from a table, and from those that fit a condition."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def sample(self, n: int, seed: int = 0, where: Any = None) -> pa.Table:
        """Rows drawn with replacement."""
        table = self.table.filter(pa.array(Where.of(where).mask(self.table))) if where else self.table
        return table.take(np.random.default_rng(seed).integers(0, table.num_rows, n))


def noise(table: pa.Table, seed: int) -> pa.Table:
    """Every column drawn by itself."""
    rng = np.random.default_rng(seed)
    return pa.table({name: table[name].take(rng.permutation(table.num_rows)) for name in table.column_names})


@pytest.fixture(scope="session")
def make_case() -> Callable[..., Case]:
    """A function: real rows, synthetic rows, held-out rows -> a case."""
    run = compose(["trainer.cache=false"])

    def make(real: pa.Table, synthetic: pa.Table, test: pa.Table, target: str = "bought", **tables: Any) -> Case:
        found = read_sides(detect(real), real, synthetic, test, target, **tables)
        return Case(Path("run"), run, Stub(synthetic), found)  # pyright: ignore[reportArgumentType]

    return make


@pytest.fixture(scope="session")
def good(make_case: Callable[..., Case]) -> Case:
    """Synthetic rows as good as real ones."""
    return make_case(shoppers(1500, 1), shoppers(1500, 2), shoppers(1500, 3))


@pytest.fixture(scope="session")
def bad(make_case: Callable[..., Case]) -> Case:
    """Synthetic rows without any relation between columns."""
    return make_case(shoppers(1500, 1), noise(shoppers(1500, 1), 2), shoppers(1500, 3))


@pytest.fixture(scope="session")
def customers() -> Callable[[int, int], pa.Table]:
    """A function: rows, seed -> real customers."""
    return shoppers
