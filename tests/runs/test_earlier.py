"""What few rows get from an earlier run: the shape of its values, with the masses of these rows."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.data.detection import detect
from gans.runs.earlier import earlier_values, masses
from gans.runs.execute import execute
from gans.runs.saved import SavedRun

TINY = (
    "+experiment=tabular",
    "network.width=16",
    "network.discriminator_width=16",
    "network.blocks=1",
    "trainer.batch_size=32",
    "trainer.steps=2",
    "trainer.metrics=[fidelity]",
    "trainer.best=last",
    "refine=none",
    "tracker.mode=disabled",
    "samples=50",
)


def people(rows: int, seed: int, shift: float = 0.0) -> pa.Table:
    """Hours are heaped at 40, spending is lognormal, days are of two years."""
    rng = np.random.default_rng(seed)
    hours = np.where(rng.random(rows) < 0.5, 40, rng.integers(5, 80, rows))
    return pa.table(
        {
            "hours": pa.array(hours, mask=rng.random(rows) < 0.05),
            "spent": np.exp(rng.normal(3 + shift, 1, rows)),
            "since": pa.array(np.datetime64("2020-01-01") + rng.integers(0, 700, rows), pa.date32()),
            "plan": rng.choice(["free", "paid"], rows),
        }
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> SavedRun:
    folder = tmp_path_factory.mktemp("earlier") / "run"
    execute(compose([*TINY, f"run_dir={folder}"]), people(6_000, 0), show=False)
    return SavedRun.open(folder)


def finer(source: SavedRun, table: pa.Table, *overrides: str) -> dict[str, Any]:
    run = compose([*TINY, f"transfer.run={source.folder}", *overrides])
    return earlier_values(source, run, table, detect(table))


def farthest(values: np.ndarray, population: np.ndarray) -> float:
    """The Kolmogorov-Smirnov distance."""
    from scipy.stats import ks_2samp

    return float(ks_2samp(values, population).statistic)


def test_columns_of_numbers_and_times_are_drawn_finer(source: SavedRun) -> None:
    found = finer(source, people(200, 1))
    assert set(found) == {"hours", "spent", "since"}
    assert all(len(values.unique()) > 300 or name == "hours" for name, values in found.items())
    assert found["since"].type == pa.date32()
    assert np.mean(found["hours"].to_numpy() == 40) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_they_are_nearer_to_the_population_than_the_rows_are(source: SavedRun, shift: float) -> None:
    few, population = people(200, 1, shift), people(50_000, 2, shift)["spent"].to_numpy()
    found = finer(source, few)["spent"].to_numpy()
    assert farthest(found, population) < (0.7 if shift == 0 else 1.2) * farthest(few["spent"].to_numpy(), population)
    assert len(np.unique(found)) > 1_000


def test_values_beyond_those_of_the_earlier_run_are_kept(source: SavedRun) -> None:
    few = people(200, 1)
    few = few.set_column(1, "spent", pa.array(np.where(np.arange(200) < 50, 1e6 + np.arange(200), few["spent"])))
    found = finer(source, few)["spent"].to_numpy()
    assert np.mean(found > 1e6 - 1) == pytest.approx(0.25, abs=0.02)
    assert set(few["spent"].to_numpy()) <= set(found)


def test_where_rows_are_as_many_or_columns_are_of_another_kind_nothing_changes(source: SavedRun) -> None:
    assert finer(source, people(7_000, 3)) == {}
    other = people(200, 1).set_column(1, "spent", pa.array(["a", "b"] * 100))
    assert set(finer(source, other)) == {"hours", "since"}
    renamed = people(200, 1).rename_columns(["hours", "paid", "since", "plan"])
    assert set(finer(source, renamed)) == {"hours", "since"}
    assert set(finer(source, renamed, "transfer.columns={paid: spent}")) == {"hours", "paid", "since"}


def test_stretches_are_as_many_as_the_rows_can_tell_apart() -> None:
    rng = np.random.default_rng(0)
    values, counts = np.arange(1_000.0), np.ones(1_000)
    alike = masses(values, counts, rng.integers(0, 1_000, 400).astype(float))
    assert np.allclose(alike, 1e-3, rtol=0.2)  # one stretch, or two
    other = masses(values, counts, rng.integers(0, 500, 400).astype(float))
    assert other[:500].sum() > 0.97
    assert masses(values, counts, np.zeros(0)).sum() == pytest.approx(1)
    heaped = masses(values, counts, np.full(400, 7.0))
    assert heaped[:64].sum() > 0.8
