"""Tables for the tests of the evaluation."""

import numpy as np
import pyarrow as pa

from gans.data.detection import detect, normalise
from gans.evaluation.inputs import Side, Tables, read_sides


def people(seed: int, rows: int = 400, shift: float = 0.0) -> pa.Table:
    """Columns that hang together: income by age and plan, whether one left by income; some ages are missing."""
    rng = np.random.default_rng(seed)
    age, plan = rng.normal(40 + shift, 10, rows).round(1), rng.choice(["free", "gold", "plus"], rows, p=[0.5, 0.2, 0.3])
    income = (age * 30 + 500 * (plan == "gold") + rng.normal(0, 100, rows)).round(2)
    left = rng.random(rows) < 1 / (1 + np.exp((income - 1300) / 150))
    return normalise(
        pa.table(
            {
                "age": pa.array(age, mask=rng.random(rows) < 0.1),
                "plan": plan,
                "income": income,
                "visits": rng.poisson(4, rows),
                "left": np.where(left, "yes", "no"),
            }
        )
    )


def tables(
    real: pa.Table,
    synthetic: pa.Table,
    test: pa.Table | None = None,
    target: str = "",
    secrets: list[str] | None = None,
) -> Tables:
    return read_sides(detect(real), real, synthetic, test, target, secrets)


def sides(real: pa.Table, *others: pa.Table) -> list[Side]:
    """The real table and one or two others as sides."""
    found = tables(real, *others).capped
    return [found[name] for name in ("real", "synthetic", "test") if name in found]
