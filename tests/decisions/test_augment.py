"""Augmentation is recommended where it helps, and only there."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.decisions.added_rows import augment, augmented
from gans.decisions.cases import Case
from gans.errors import UserError


def test_more_real_rows_help_a_small_table(make_case: Any, customers: Any) -> None:
    found = augment(make_case(customers(120, 1), customers(4000, 2), customers(2000, 3)), "grow", 4000)
    assert found.helps
    assert found.sentences()[0].text.startswith("Recommended: gain of +")


def test_noise_is_not_recommended(bad: Case) -> None:
    found = augment(bad, "grow", 6000)
    assert not found.helps
    assert found.sentences()[0].text.startswith("Not recommended: ")


def test_no_gain_is_said(good: Case) -> None:
    found = augment(good, "grow", 20)
    assert found.measured.verdict(found.arm) == "no gain"
    assert "no gain" in found.sentences()[0].text


def test_balanced_classes_and_the_table(good: Case) -> None:
    found = augment(good, "balance")
    table = augmented(good, found)
    answers = table["bought"].to_pylist()
    assert answers.count("yes") == answers.count("no")
    marks = np.array(table["synthetic"].to_pylist())
    assert (~marks).sum() == good.tables.real.num_rows
    assert table.filter(pa.array(~marks)).drop_columns(["synthetic"]).equals(good.tables.real)
    assert set(table.filter(pa.array(marks))["bought"].to_pylist()) == {"yes"}
    assert found.counts["yes"][1] == int(marks.sum())


def test_a_number_is_not_balanced(make_case: Any, customers: Any) -> None:
    tables = [customers(200, seed) for seed in (1, 2, 3)]
    with pytest.raises(UserError, match="target=spend: a number has no classes"):
        augment(make_case(*tables, "spend"), "balance")
    grown = augment(make_case(*tables, "spend"), "grow")
    assert grown.measured.name == "R^2"
    taken = [table.append_column("synthetic", pa.array(["a"] * 200)) for table in tables]
    case = make_case(*taken)
    with pytest.raises(UserError, match="'synthetic' already"):
        augmented(case, augment(case, "grow"))
