"""The study of privacy: its distances against a known answer, and its table and figure from its results."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

HERE = Path(__file__).parents[2] / "experiments" / "privacy"


def test_the_mean_total_variation_is_that_of_the_shares(study: Any) -> None:
    cells = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    sides = SimpleNamespace(sizes=[2, 2], cells=cells)
    together = np.array([[0, 0], [0, 0], [1, 1], [1, 1]])
    assert study.total_variation(sides, cells, 2) == 0
    assert study.total_variation(sides, together, 1) == 0
    assert study.total_variation(sides, together, 2) == pytest.approx(0.5)
    assert study.total_variation(sides, np.zeros((4, 2), int), 1) == pytest.approx(0.5)


def test_independent_columns_keep_columns_and_lose_pairs(study: Any) -> None:
    first = np.random.default_rng(0).integers(0, 3, 5_000)
    sides = SimpleNamespace(sizes=[3, 3], cells=np.stack([first, first], axis=1), names=["a", "b"])
    made = study.independent(sides, 5.0, 0)
    assert study.total_variation(sides, made, 1) < 0.02
    assert study.total_variation(sides, made, 2) == pytest.approx(2 / 3, abs=0.02)


def test_the_table_and_the_figure_follow_from_the_results(study: Any, tmp_path: Path) -> None:
    rows = [
        {"data": "adult", "method": method, "epsilon": epsilon, "seed": seed, "tv1": 0.01, "tv2": tv + seed / 100}
        | {"tv3": 0.1, "auc": 0.9, "gap": np.nan, "auc_real": 0.92, "seconds": 30}
        for method, tv in (("dp_marginals", 0.03), ("independent", 0.13))
        for epsilon in (0.5, 1.0)
        for seed in (0, 2)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "results.csv", index=False)
    study.write_results(tmp_path)
    table = (tmp_path / "TABLE.md").read_text()
    assert "| 1 | dp_marginals | 2 | 0.0100 +- 0.0000 | 0.0400 +- 0.0141 |" in table
    assert "AUC of real rows: 0.920." in table
    lines = table.splitlines()
    head = next(place for place, line in enumerate(lines) if line.startswith("| epsilon |"))
    assert {line.count("|") for line in lines[head : head + 4]} == {10}
    assert (tmp_path / "figure.png").stat().st_size > 10_000
