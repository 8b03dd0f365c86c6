import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gans.data.detection import detect, normalise
from gans.evaluation.detection import MOST_LEVELS, MOST_ROWS, Detector, _values


def customers(seed: int, rows: int = 600) -> pa.Table:
    """Two categories that go together, a number that goes with them, holes, and a day."""
    rng = np.random.default_rng(seed)
    plan = rng.integers(0, 4, rows)
    made = {
        "plan": np.array(["a", "b", "c", "d"])[plan],
        "shop": np.array(["n", "o", "p", "q"])[np.where(rng.random(rows) < 0.9, plan, rng.integers(0, 4, rows))],
        "spend": rng.normal(plan, 0.3),
        "hole": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.2),
        "level": pa.array(rng.choice(["x", "y"], rows), mask=rng.random(rows) < 0.1),
        "ok": rng.random(rows) < 0.4,
        "day": pa.array([dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 90, rows)]),
    }
    return normalise(pa.table(made))


def detector(table: pa.Table, kinds: dict[str, str] | None = None) -> Detector:
    return Detector(table, detect(table, kinds or {}))


def shuffled(table: pa.Table, *names: str) -> pa.Table:
    rng = np.random.default_rng(9)
    for name in names:
        table = table.set_column(table.column_names.index(name), name, table[name].take(rng.permutation(len(table))))
    return table


def replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.chunked_array([values]))


def test_rows_of_one_distribution_cannot_be_told_apart() -> None:
    assert detector(customers(0)).score(customers(1)) > 0.93


def test_the_very_rows_cannot_be_told_apart() -> None:
    """Each test row lies on the other side too: at best its copy is in the training folds, with the other label."""
    assert detector(customers(0)).score(customers(0)) > 0.93


def test_a_constant_apart_scores_next_to_nothing() -> None:
    far = replaced(customers(1), "spend", pa.array(np.full(600, 99.0)))
    assert detector(customers(0)).score(far) < 0.02  # the largest real number may share its bin


def test_wrong_pairs_of_categories_are_seen() -> None:
    """One column is shuffled: every column alone is right, and so is every other pair."""
    table = customers(0).select(["plan", "shop", "ok"])
    assert detector(table).score(customers(1)) > 0.9
    assert detector(table).score(shuffled(customers(1), "shop")) < 0.4


def test_missing_values_are_seen() -> None:
    real, made = customers(0, 2_000), customers(1, 2_000)
    for name in ("hole", "level"):
        one = detector(real.select([name, "ok"]))
        assert one.score(made) > 0.93
        assert one.score(replaced(made, name, pa.nulls(2_000, made[name].type))) < 0.25


def test_the_same_tables_give_the_same_bits_on_any_number_of_threads() -> None:
    real, made = customers(0), shuffled(customers(1), "spend")
    first = detector(real).score(made)
    one = detector(real)
    assert first == one.score(made) == one.score(made)
    before = {pool["prefix"]: pool["num_threads"] for pool in threadpool_info()}
    with threadpool_limits(3):
        assert detector(real).score(made) == first
    assert {pool["prefix"]: pool["num_threads"] for pool in threadpool_info()} == before


def test_many_levels_of_one_distribution_cannot_be_told_apart() -> None:
    """Most levels occur on one side only, by chance; that must not tell the sides apart."""
    rng = np.random.default_rng(3)
    words = np.array([f"w{k}" for k in range(3_000)])
    tables = [
        pa.table({"zip": np.append(rng.choice(words, 999), "w0"), "size": rng.normal(size=1_000)}) for _ in range(2)
    ]
    assert detector(tables[0], {"zip": "category"}).score(tables[1]) > 0.9


def test_codes_of_levels_by_hand() -> None:
    real = pa.table({"c": ["b", "a", None, "b"]})
    column = detect(real, {"c": "category"})["c"]
    codes = _values(real["c"], pa.chunked_array([["d", "b", None, "d"]]), column)
    np.testing.assert_array_equal(codes, [0, 2, np.nan, 0, 1, 0, np.nan, 1])


def test_rare_levels_are_one() -> None:
    often = [f"often{k}" for k in range(MOST_LEVELS) for _ in range(2)]
    rare = [f"rare{k}" for k in range(100)]
    real = pa.table({"c": [*often, *rare]})
    column = detect(real, {"c": "category"})["c"]
    codes = _values(real["c"], pa.chunked_array([["new", "often7"]]), column)
    assert len(set(codes[: len(often)])) == MOST_LEVELS
    assert codes[: len(often)].max() == MOST_LEVELS - 1
    assert set(codes[len(often) : -1]) == {MOST_LEVELS}
    assert codes[-1] == codes[14]


def test_sides_are_equal_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def auc(self: Detector, values: np.ndarray, labels: np.ndarray, test: np.ndarray) -> float:
        seen.append((int((labels[test] == 0).sum()), int((labels[test] == 1).sum())))
        return 0.25  # worse than a guess counts as a guess

    monkeypatch.setattr(Detector, "_auc", auc)
    assert detector(customers(0, 5_000)).score(customers(1, 4_000)) == 1
    assert seen == [(MOST_ROWS // 3,) * 2] * 3
    seen.clear()
    detector(customers(0, 5_000)).score(customers(1, 200))
    assert seen == [(67, 67), (67, 67), (66, 66)]


def test_the_score_of_given_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    areas = iter([0.9, 0.4, 0.75])
    monkeypatch.setattr(Detector, "_auc", lambda *_: next(areas))
    assert detector(customers(0)).score(customers(1)) == pytest.approx(1 - (0.8 + 0 + 0.5) / 3)


def test_too_few_rows_raise() -> None:
    with pytest.raises(ValueError, match="99 rows: a detector needs at least 100"):
        detector(customers(0)).score(customers(1, 99))


def test_the_column_that_gives_rows_away_is_named_first() -> None:
    real, made = customers(0, 900), customers(1, 900)
    auc, losses = detector(real).telling(made)
    assert abs(auc - 0.5) < 0.06
    assert max(losses.values()) < 0.06
    auc, losses = detector(real).telling(replaced(made, "spend", pa.array(made["spend"].to_numpy() * 1.5 + 1)))
    assert auc > 0.6
    assert next(iter(losses)) == "spend"
    assert losses["spend"] > 0.05
    assert list(losses.values()) == sorted(losses.values(), reverse=True)
