"""Levels of categories that few rows hold: said, and merged."""

import numpy as np
import pyarrow as pa

from gans.data.base import Source
from gans.data.detection import detect, normalise
from gans.data.rare import rare_line


def rare_table() -> pa.Table:
    plans = ["a"] * 60 + ["b"] * 30 + ["c"] * 4 + ["d"] * 3 + ["e"] * 2 + [None]
    return pa.table({"plan": plans, "code": [1] * 50 + [2] * 48 + [7] * 2, "y": np.arange(100) / 7})


def test_rare_levels_are_said_in_one_line() -> None:
    table = normalise(rare_table())
    schema = detect(table, {"code": "category"})
    assert rare_line(table, schema, 5, False) == [
        "rare levels, of fewer than data.rare=5 rows: plan 3 levels in 9 rows, code 1 level in 2 rows; "
        "data.merge_rare=true merges those of text"
    ]
    assert rare_line(table, schema, 2, False) == []


def test_rare_levels_are_merged_in_both_parts() -> None:
    split = Source(merge_rare=True, holdout=0.2, kinds={"code": "category"}).split(rare_table())
    assert set(split.training["plan"].to_pylist()) == {"a", "b", "other", None}
    assert set(split.holdout["plan"].to_pylist()) <= {"a", "b", "other", None}
    assert split.schema["plan"].levels == 3
    assert split.training["code"].unique().to_pylist() == [1, 2, 7]
    unmerged = Source(holdout=0.2).split(rare_table())
    assert {"c", "d", "e"} & set(unmerged.training["plan"].to_pylist())


def test_the_merged_level_gets_a_name_of_its_own() -> None:
    plans = ["a"] * 60 + ["other"] * 36 + ["c"] * 2 + ["d"] * 2
    split = Source(merge_rare=True, holdout=0.04).split(pa.table({"plan": plans, "y": np.arange(100) / 7}))
    assert set(split.training["plan"].to_pylist()) == {"a", "other", "other (rare)"}
