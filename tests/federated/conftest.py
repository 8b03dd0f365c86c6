from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.config.compose import compose
from gans.federated.messages import import_flower
from gans.federated.run import FederatedResult, federate
from gans.federated.settings import Federation

SMALL = (
    "+experiment=tabular",
    "network.width=16",
    "network.discriminator_width=16",
    "network.blocks=1",
    "trainer.batch_size=32",
    "trainer.evaluate_rows=200",
    "trainer.metrics=[fidelity]",
    "trainer.best=score",
    "tracker.mode=disabled",
    "samples=100",
)


def customers(rows: int, seed: int, plans: tuple[str, ...] = ("free", "basic", "gold")) -> pa.Table:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, rows)
    spent = np.round(rng.lognormal(3, 1, rows), 2)
    return pa.table(
        {
            "plan": pa.array(rng.choice(plans, rows)),
            "age": pa.array(age, mask=rng.random(rows) < 0.05),
            "spent": spent,
            "member": rng.random(rows) < 0.3,
            "since": pa.array(np.datetime64("2020-01-01") + rng.integers(0, 900, rows), pa.date32()),
        }
    )


@pytest.fixture
def site_files(tmp_path: Path) -> Path:
    """Three sites of 200, 300 and 400 rows; the third has a plan of its own, and one that four rows hold."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for place, rows in enumerate((200, 300, 400)):
        table = customers(rows, place)
        if place == 2:
            plan = np.array(table["plan"].to_pylist(), object)
            plan[:60], plan[60:64] = "student", "press"
            table = table.set_column(0, "plan", pa.array(plan.tolist()))
        pq.write_table(table, folder / f"site-{place}.parquet")
    return folder


@pytest.fixture
def run_sites(site_files: Path, tmp_path: Path) -> Callable[..., FederatedResult]:
    """Train over the sites: (overrides, change=a function of the grid, **settings of the federation)."""
    import_flower()
    from gans.federated.simulation import SimulatedGrid, simulated_sites

    def run(*overrides: str, change: Callable[[Any], Any] = lambda grid: grid, **settings: Any) -> FederatedResult:
        chosen = {"rounds": 3, "local_steps": 4, "evaluate_every": 2} | settings
        given = compose([*SMALL, "data=sites", f"data.files='{site_files}/site-*.parquet'", *overrides])
        if given.run_dir is None:
            given.run_dir = str(tmp_path / "run")
        return federate(
            given, Federation(**chosen), lambda run: change(SimulatedGrid(simulated_sites(run))), show=False
        )

    return run
