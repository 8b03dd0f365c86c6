"""Tables written to each kind of file: they read back, are whole or not there, and say beforehand what has no room."""

import datetime as dt
import errno
import gzip
import importlib.util
import json
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.data.formats import MOST_ROWS, WRITTEN, check_writable
from gans.data.schema import Schema
from gans.data.writing import write_rows
from gans.errors import UserError

SPEC: Any = importlib.util.spec_from_file_location("drawn", Path(__file__).with_name("test_delimited_round_trips.py"))
drawn = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(drawn)

DAY = dt.date(2024, 1, 31)
TABLE = pa.table(
    {
        "name": ["Ann", 'say "x"', "a, b; c\td", "zwei\nZeilen", None],
        "zip": ["00501", "10001", None, "94105", "02134"],
        "visits": pa.array([1, None, 3, 2**62, -5], pa.int64()),
        "price": [0.1 + 0.2, 2.5, None, -1e-7, 1e20],
        "single": pa.array([0.1, None, 1.5, -2.25, 3], pa.float32()),
        "cents": pa.array(
            [Decimal("1.10"), None, Decimal("6.35"), Decimal("0.00"), Decimal("-7.25")], pa.decimal128(9, 2)
        ),
        "gold": [True, None, False, True, False],
        "since": [DAY, None, dt.date(1871, 5, 2), DAY, dt.date(9999, 12, 31)],
        "seen": pa.array(
            [
                dt.datetime(2024, 1, 31, 5),
                None,
                dt.datetime(1850, 1, 1, 6),
                dt.datetime(2024, 2, 1),
                dt.datetime(2024, 2, 1, 7, 30, 1, 5),
            ],
            pa.timestamp("us"),
        ),
        "sent": pa.array(
            [dt.datetime(2024, 1, 31, 5, tzinfo=dt.UTC), None] * 2 + [None], pa.timestamp("us", "Europe/Rome")
        ),
    }
)


def schema_of(table: pa.Table) -> Schema:
    return detect(normalise(table))


def read_back(path: Path, schema: Schema) -> pa.Table:
    """The table of a file, as that of the training rows is."""
    if path.suffix == ".parquet":
        return pq.read_table(path)
    from gans.data.files import read_files

    return read_files([path], "out", None, {column.name: column for column in schema.columns})


@pytest.mark.parametrize("name", [f"t{end}" for end in WRITTEN])
def test_what_is_written_reads_back_with_its_types(tmp_path: Path, name: str) -> None:
    schema = schema_of(TABLE)
    write_rows(tmp_path / name, iter([TABLE.slice(0, 2), TABLE.slice(2)]), schema)
    again = read_back(tmp_path / name, schema)
    assert again.schema.types == TABLE.schema.types
    assert again.to_pydict() == TABLE.to_pydict()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.xlsx"])
def test_what_is_written_reads_back_alone(tmp_path: Path, name: str) -> None:
    table = TABLE.select(["name", "zip", "visits", "price", "gold", "since", "seen"])
    write_rows(tmp_path / name, iter([table]), schema_of(table))
    again = read_table(str(tmp_path / name), "data.path")
    assert again.schema.types == table.schema.types
    assert again.to_pydict() == table.to_pydict()


@pytest.mark.parametrize("name", ["t.jsonl", "t.xlsx"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(table=drawn.tables())
def test_any_table_reads_back(name: str, table: pa.Table) -> None:
    """A workbook keeps no empty text."""

    def kept(value: Any) -> Any:
        return None if name == "t.xlsx" and value == "" else value

    schema = schema_of(table)
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder) / name, iter([table.slice(0, 3), table.slice(3)]), schema)
        again = read_back(Path(folder) / name, schema)
    assert again.column_names == table.column_names
    for column in table.column_names:
        values = [kept(value) for value in table[column].to_pylist()]
        assert [kept(value) for value in again[column].to_pylist()] == values
        assert all(value is None for value in values) or again[column].type == table[column].type


def test_cells_are_values_of_excel(tmp_path: Path) -> None:
    import python_calamine

    table = pa.table(
        {"zip": ["00501", "=1+1"], "day": [DAY, None], "n": [1, 2], "ok": [True, None], "link": ["http://x.y", " a "]}
    )
    write_rows(tmp_path / "t.xlsx", iter([table]))
    with python_calamine.CalamineWorkbook.from_path(tmp_path / "t.xlsx") as book:
        rows = book.get_sheet_by_index(0).to_python()
    assert rows == [
        ["zip", "day", "n", "ok", "link"],
        ["00501", DAY, 1.0, True, "http://x.y"],
        ["=1+1", "", 2.0, "", " a "],
    ]
    with zipfile.ZipFile(tmp_path / "t.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_lines_of_json(tmp_path: Path) -> None:
    table = pa.table({"a b": [1, None], "it's": ['naïve "x"', "\x01\n"], "t": [DAY, None], "x": [0.1, float("nan")]})
    write_rows(tmp_path / "t.jsonl", iter([table]))
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == [
        {"a b": 1, "it's": 'naïve "x"', "t": "2024-01-31", "x": 0.1},
        {"a b": None, "it's": "\x01\n", "t": None, "x": None},
    ]


def test_compressed_files_hold_what_plain_ones_do(tmp_path: Path) -> None:
    for name in ("t.csv", "t.jsonl"):
        for end in ("", ".gz", ".zst"):
            write_rows(tmp_path / f"{name}{end}", iter([TABLE]), schema_of(TABLE))
        plain = (tmp_path / name).read_bytes()
        assert gzip.decompress((tmp_path / f"{name}.gz").read_bytes()) == plain
        with pa.CompressedInputStream(pa.OSFile(str(tmp_path / f"{name}.zst")), "zstd") as file:
            assert file.read() == plain


def test_the_same_rows_make_the_same_file(tmp_path: Path) -> None:
    for name in ("t.csv.gz", "t.jsonl.zst"):
        write_rows(tmp_path / name, iter([TABLE]))
        first = (tmp_path / name).read_bytes()
        write_rows(tmp_path / name, iter([TABLE]))
        assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("name", [f"t{end}" for end in WRITTEN])
def test_tables_that_end_early_leave_nothing(tmp_path: Path, name: str) -> None:
    def tables() -> Any:
        yield pa.table({"a": np.arange(1_000)})
        assert not (tmp_path / name).exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(tmp_path / name, tables())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.jsonl.zst", "t.xlsx"])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, mode: str = "r", *_: Any, **__: Any) -> Any:
        return open("/dev/full", mode)  # noqa: PTH123

    def zip_full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    monkeypatch.setattr("xlsxwriter.workbook.ZipFile", zip_full)
    words = np.random.default_rng(0).bytes(60_000).hex()
    with pytest.raises(OSError, match="No space left") as caught:
        write_rows(tmp_path / name, iter([pa.table({"a": [words[:30_000], words[-30_000:]] * 50})]))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_room_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "t.xlsx"
    with pytest.raises(UserError, match=r"1,048,576 rows; a sheet of Excel has room for 1,048,575\..*part=1/2"):
        check_writable(out, MOST_ROWS + 1)
    check_writable(out, MOST_ROWS)
    check_writable(tmp_path / "t.csv", 10 * MOST_ROWS)
    for table, said in (
        (pa.table({"a": pa.nulls(MOST_ROWS + 1, pa.int8())}), "1,048,576 rows"),
        (
            pa.table({f"c{place}": [1] for place in range(16_385)}),
            "16,385 columns; a sheet of Excel has room for 16,384",
        ),
        (pa.table({"note": ["x" * 32_768]}), "column 'note' holds a text of 32,768 characters"),
        (pa.table({"note": ["<r>x</r>"]}), "column 'note' holds '<r>x</r>'"),
    ):
        with pytest.raises(UserError, match=said):
            write_rows(out, iter([table]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["t.xls", "t.txt", "t.json", "t.csv.zip", "t.parquet.gz", "t", ".csv.bz2"])
def test_files_that_are_not_written(name: str) -> None:
    with pytest.raises(UserError, match=r"allowed are \.csv, \.csv\.gz"):
        check_writable(Path(name))
