from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.errors import UserError, in_range, nearest, one_of
from gans.files import write_atomic, write_tables, write_text


def test_text_is_utf8_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text(path, "old")
    write_text(path, "né ✓ 日本\n")
    assert path.read_bytes() == "né ✓ 日本\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_text(path, "old")

    def half(temporary: Path) -> None:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".npz"
        temporary.write_text("new, but only ha")
        assert path.read_text() == "old"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, half)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_a_first_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def refuse(_: Path) -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        write_atomic(tmp_path / "a.txt", refuse)
    assert list(tmp_path.iterdir()) == []


def test_tables_are_written_end_to_end(tmp_path: Path) -> None:
    whole = pa.table({"a": pa.array([1, None, 3, 4, 5], pa.int8()), "b": ["x, y", "", None, '"', "z"]})
    write_tables(tmp_path / "t.parquet", iter([whole.slice(0, 2), whole.slice(2, 3)]))
    assert pq.read_table(tmp_path / "t.parquet").equals(whole)
    groups = pq.ParquetFile(tmp_path / "t.parquet").metadata
    assert [groups.row_group(k).num_rows for k in range(groups.num_row_groups)] == [2, 3]
    assert "RLE_DICTIONARY" in groups.row_group(0).column(1).encodings


@pytest.mark.parametrize(
    ("typed", "allowed", "meant"),
    [
        ("agee", ["age", "income"], "age"),
        ("mpl", ["cnn", "mlp"], "mlp"),
        ("INCOME", ["age", "Income"], "Income"),
        ("salary", ["Balance", "EstimatedSalary"], "EstimatedSalary"),
        ("tab", ["table_gan", "tabular", "vanilla"], "tabular"),
        ("zzz", ["age", "income"], ""),
        ("income", ["Geography", "Joined", "Balance"], ""),
        ("balance", ["Salary", "Age"], ""),
        ("e", ["age", "Tenure"], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_word_is_named_where_one_is_near(typed: str, allowed: list[str], meant: str) -> None:
    assert nearest(typed, allowed) == (f" Did you mean '{meant}'?" if meant else "")


def accepted(check: Callable[[], None]) -> bool:
    try:
        check()
    except UserError:
        return False
    return True


def test_one_of_names_key_value_and_allowed() -> None:
    names = ["quantile", "standard"]
    given = ["quantile", "standard", "Standard", "", "quantile "]
    assert [accepted(lambda name=name: one_of("codec", name, names)) for name in given] == [True, True, *[False] * 3]
    with pytest.raises(UserError, match=r"codec=quantil: allowed are quantile, standard\. Did you mean 'quantile'\?"):
        one_of("codec", "quantil", names)


@pytest.mark.parametrize(
    ("value", "options", "part"),
    [
        (-1, {}, "x=-1: it must be at least 0 and at most 1"),
        (2, {}, "x=2: it must be at least 0 and at most 1"),
        (0, {"open_low": True}, "more than 0 and at most 1"),
        (1, {"open_high": True}, "at least 0 and less than 1"),
        (float("nan"), {}, "x=nan"),
        (float("inf"), {}, "x=inf"),
    ],
)
def test_out_of_range(value: float, options: dict[str, bool], part: str) -> None:
    with pytest.raises(UserError, match=part):
        in_range("x", value, 0, 1, **options)


@pytest.mark.parametrize("open_low", [False, True])
@pytest.mark.parametrize("open_high", [False, True])
def test_a_range_has_its_ends_unless_they_are_open(open_low: bool, open_high: bool) -> None:
    def inside(value: float, *ends: float) -> bool:
        return accepted(lambda: in_range("x", value, *ends, open_low=open_low, open_high=open_high))

    found = [inside(value, 0, 1) for value in (-5e-324, 0, 5e-324, 0.5, 1 - 1e-16, 1, 1 + 1e-15)]
    assert found == [False, not open_low, True, True, True, not open_high, False]
    assert inside(1e300, 0)
    assert not inside(-1e300, 0)
