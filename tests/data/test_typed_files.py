"""Excel workbooks and JSON lines as training tables, logs and tables to judge: read as meant, or refused by place."""

import datetime as dt
import gzip
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xlsxwriter

from gans.data.customer_profiles import Profiles
from gans.data.delimited.options import TextOptions
from gans.data.detection import detect, normalise
from gans.data.files import TableFile, read_files, read_table
from gans.data.writing import write_rows
from gans.errors import UserError

DAY, MOMENT = dt.date(2024, 1, 31), dt.datetime(2024, 1, 31, 13, 5)
FORMATS = {dt.date: "yyyy-mm-dd", dt.datetime: "yyyy-mm-dd hh:mm", dt.time: "hh:mm", dt.timedelta: "[h]:mm"}


class Formula(str):
    """A formula, whose value is the text behind its last semicolon; none is stored where there is no semicolon."""


def workbook(path: Path, *sheets: tuple[str, list[list[Any]]], merged: str = "", hidden: str = "") -> Path:
    """A workbook with the rows of each sheet."""
    with xlsxwriter.Workbook(str(path)) as book:
        formats = {kind: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for row, cells in enumerate(rows):
                for place, cell in enumerate(cells):
                    if isinstance(cell, Formula):
                        formula, _, value = cell.partition(";")
                        sheet.write_formula(row, place, formula, None, float(value) if value.isdigit() else value)
                    elif type(cell) in formats:
                        sheet.write_datetime(row, place, cell, formats[type(cell)])
                    elif isinstance(cell, str):
                        sheet.write_string(row, place, cell)
                    elif cell is not None:
                        sheet.write(row, place, cell)
            if merged:
                sheet.merge_range(merged, "")
            if name == hidden:
                sheet.hide()
            elif hidden:
                sheet.activate()
    return path


def read(folder: Path, rows: list[list[Any]], **options: Any) -> dict[str, list[Any]]:
    path = workbook(folder / "t.xlsx", ("A", rows))
    return read_table(str(path), "data.path", TextOptions(**options)).to_pydict()


def lines(folder: Path, text: str, name: str = "t.jsonl", **options: Any) -> dict[str, list[Any]]:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return read_table(str(path), "data.path", TextOptions(**options)).to_pydict()


def message(caught: pytest.ExceptionInfo[UserError], *said: str) -> None:
    assert "\n" not in str(caught.value)
    for word in said:
        assert word in str(caught.value)


# ---- Excel


def test_values_of_a_sheet_keep_their_types(tmp_path: Path) -> None:
    rows = [
        ["id", "price", "zip", "day", "seen", "ok", "hour", "total"],
        [1, 2.5, "00501", DAY, MOMENT, True, dt.time(13, 5), Formula("=A2*2;2")],
        [2, None, "10001", None, dt.datetime(2024, 2, 1), False, None, Formula("=A3*2;4")],
        [3, -1, "94105", dt.date(1999, 12, 1), None, None, dt.time(0, 0), Formula("=A4*2;6")],
    ]
    assert read(tmp_path, rows) == {
        "id": [1, 2, 3],
        "price": [2.5, None, -1.0],
        "zip": ["00501", "10001", "94105"],
        "day": [DAY, None, dt.date(1999, 12, 1)],
        "seen": [MOMENT, dt.datetime(2024, 2, 1), None],
        "ok": [True, False, None],
        "hour": ["13:05:00", None, "00:00:00"],
        "total": [2, 4, 6],
    }


def test_a_table_may_begin_anywhere_and_end_in_empty_cells(tmp_path: Path) -> None:
    rows = [[], [None, None, "a", " b\nc "], [None, None, 1, "x", ""], [None, None, 2, "y"], ["", ""], []]
    assert read(tmp_path, rows) == {"a": [1, 2], "b c": ["x", "y"]}
    assert read(tmp_path, [[None, "a"], [0, 5], [1, 7]]) == {"column1": [0, 1], "a": [5, 7]}


def test_numbers_stored_as_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gans")
    rows = [["zip", "n", "m"], *([str(10000 + row), row if row % 5 else str(row), row / 4] for row in range(30))]
    rows[8][2] = "n/a"
    table = read(tmp_path, rows)
    assert table["zip"][:2] == ["10000", "10001"]
    assert table["n"] == list(range(30))
    assert table["m"][6:9] == [1.5, None, 2.0]
    assert "numbers in quotes are text; data.types.zip=number reads them" in caplog.text
    assert "column 'm': 1 cells with 'n/a' are missing values" in caplog.text
    assert read(tmp_path, rows, types={"zip": "number"})["zip"][:2] == [10000, 10001]


def test_dates_written_as_text_among_dates(tmp_path: Path) -> None:
    rows = [["a", "b", "c"], [DAY, "31.01.2024", MOMENT], ["2024-02-01", "15.03.2024", "2024-02-01 10:00:00"]]
    table = read(tmp_path, rows)
    assert table["a"] == [DAY, dt.date(2024, 2, 1)]
    assert table["b"] == [DAY, dt.date(2024, 3, 15)]
    assert table["c"] == [MOMENT, dt.datetime(2024, 2, 1, 10)]
    days = [["day", "x"], *([20240101 + row, row] for row in range(30))]
    assert read(tmp_path, days)["day"][29] == dt.date(2024, 1, 30)


def test_the_sheet_that_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gans")
    sheets = [(name, [["x"], [place]]) for place, name in enumerate(("Old", "Kunden", "B"))]
    path = str(workbook(tmp_path / "t.xlsx", *sheets, hidden="Old"))
    assert read_table(path, "data.path").to_pydict() == {"x": [1]}
    assert "t.xlsx: sheet 'Kunden' of 'Old', 'Kunden', 'B'; data.sheet=NAME takes another" in caplog.text
    assert TableFile(path=path, sheet="Old").read().to_pydict() == {"x": [0]}
    with pytest.raises(UserError) as caught:
        read_table(path, "data.path", TextOptions(sheet="kunde"))
    message(caught, "data.sheet=kunde", "has the sheets 'Old', 'Kunden', 'B'. Did you mean 'Kunden'?")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "sheet 'A' is empty: 0 rows, 0 columns"),
        ([["a", "b", "a"], [1, 2, 3]], "row 1 names 'a' twice"),
        ([["Report 2024"], ["a", "b"], [1, 2]], "row 1 (Report 2024 | ) leaves a column without a name"),
        ([["a", "b"], [1, 2], [], [3, 4]], "row 3 is empty and others follow"),
        ([["a", None, "b"], [1, None, 2]], "column B is empty and others follow"),
        ([["a", "b"], [1, DAY], [2, 5]], "column 'b' holds a date in cell B2 and a number in cell B3"),
        ([["a", "b"], [1, True], [2, 5]], "column 'b' holds a number in cell B3 and a truth value in cell B2"),
        ([["a", "b"], [1, 2], [2, dt.timedelta(hours=30)]], "a span of time in cell B3"),
        ([["a"], [dt.timedelta(hours=30)]], "write it as a number of hours or minutes, or set data.types.a=text"),
        ([["a", "b"], [1, Formula("=A2*2")]], "the value of the formula in cell B2 is not stored; open"),
        ([[1, "x"], [2, "y"], [3, "x"]], "row 1 (1 | x) could be names or values"),
        ([["d", "n"], ["01/02/2024", 1], ["03/04/2024", 2]], "column 'd': '01/02/2024' in cell A2 fits"),
        ([["v", "n"], *([row, 1] for row in range(30)), ["90+", 2]], "column 'v': '90+' in cell A32 is not like"),
    ],
)  # fmt: skip
def test_sheets_that_are_refused(tmp_path: Path, rows: list[list[Any]], said: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, rows)
    message(caught, "data.path=", said)


def test_what_was_refused_is_read_as_the_person_says(tmp_path: Path) -> None:
    assert read(tmp_path, [["a", "b"], [1, DAY], [2, 5]], types={"b": "text"})["b"] == ["2024-01-31", "5"]
    assert list(read(tmp_path, [[1, "x"], [2, "y"], [3, "x"]], header=False)) == ["column1", "column2"]
    dates = [["d", "n"], ["01/02/2024", 1], ["03/04/2024", -999]]
    assert read(tmp_path, dates, formats={"d": "%m/%d/%Y"}, null_words=["-999"]) == {
        "d": [dt.date(2024, 1, 2), dt.date(2024, 3, 4)],
        "n": [1, None],
    }


def test_merged_cells_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", ("A", [["a"], [1, 2, 3]]), merged="B1:C1")
    with pytest.raises(UserError) as caught:
        read_table(str(path), "data.path")
    message(caught, "sheet 'A': the cells B1:C1 are merged; split them")
    workbook(path, ("A", [["a", "b"], [1, 2]]), merged="E8:F9")
    assert read_table(str(path), "data.path").to_pydict() == {"a": [1], "b": [2]}


def test_cells_with_errors_are_missing_which_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [["a", "b"], *([row, Formula(f"=1/A{row};#DIV/0!") if row % 3 == 0 else 5] for row in range(1, 9))]
    assert read(tmp_path, rows)["b"] == [5, 5, None, 5, 5, None, 5, 5]
    assert "cells with errors are missing values: #DIV/0! (2, the first in B4)" in caplog.text


def test_formulas_are_looked_at_beyond_the_first_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gans.data.excel.workbook.BLOCK", 700)
    monkeypatch.setattr("gans.data.excel.workbook.LONGEST_CELL", 300)
    rows: list[list[Any]] = [["a", "b"], *([row, Formula(f"=A{row}*2;{row}")] for row in range(2, 60))]
    assert read(tmp_path, rows)["b"] == list(range(2, 60))
    rows[50][1] = Formula("=A2*2")
    with pytest.raises(UserError, match="cell B51 is not stored"):
        read(tmp_path, rows)


def encrypted() -> bytes:
    """A compound file with the one entry by which a workbook with a password is known."""
    last, free = 0xFFFFFFFE, 0xFFFFFFFF
    magic = bytes.fromhex("d0cf11e0a1b11ae1")
    header = struct.pack("<8s16xHHHHH6x9I", magic, 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, last, 0, last, 0)

    def entry(name: str, kind: int, child: int) -> bytes:
        text = f"{name}\0".encode("utf-16-le") if name else b""
        return struct.pack("<64sHBBIII16xI8x8xIQ", text, len(text), kind, 1, free, free, child, 0, last, 0)

    entries = entry("Root Entry", 5, 1) + entry("EncryptedPackage", 2, free) + 2 * entry("", 0, free)
    return (
        header
        + struct.pack("<109I", 0, *[free] * 108)
        + struct.pack("<128I", 0xFFFFFFFD, last, *[free] * 126)
        + entries
    )


def test_files_that_are_no_workbooks(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "whole.xlsx", ("A", [["a"], *([row] for row in range(200))])).read_bytes()
    with zipfile.ZipFile(tmp_path / "archive.xlsx", "w") as archive:
        archive.writestr("a.txt", "x")
    files = {
        "secret.xlsx": encrypted(),
        "cut.xlsx": whole[:3000],
        "text.xlsx": b"a,b\n1,2\n",
        "old.xls": whole,
        "t.csv": whole,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for name, said in {
        "secret.xlsx": "the workbook is protected by a password; save it without one",
        "cut.xlsx": "not a readable Excel workbook",
        "text.xlsx": "not a readable Excel workbook",
        "archive.xlsx": "not a readable Excel workbook",
        "old.xls": "allowed are .parquet, .pq, .xlsx, .xlsm, .csv, .tsv, .txt, .jsonl and .ndjson; text and JSON lines "
        "also compressed (.gz, .bz2, .xz, .zst, .zip). Save the workbook as .xlsx.",
        "t.csv": "it is an Excel workbook; name it .xlsx",
        "no.xlsx": "no such file",
    }.items():
        with pytest.raises(UserError) as caught:
            read_table(str(tmp_path / name), "data.path")
        message(caught, f"data.path={tmp_path / name}", said)


def test_damaged_workbooks_are_refused_or_read_whole(tmp_path: Path) -> None:
    rows = [["n", "word", "d"], *([row, f"word {row % 7}", DAY] for row in range(300))]
    path = workbook(tmp_path / "t.xlsx", ("A", rows))
    whole, right = path.read_bytes(), read_table(str(path), "data.path")
    for seed in range(120):
        rng = np.random.default_rng(seed)
        content = bytearray(whole)
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(content if seed % 3 else content[: int(rng.integers(10, len(content)))])
        try:
            table = read_table(str(path), "data.path")
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert table.equals(right), seed


# ---- JSON lines


def test_values_of_json_keep_their_types(tmp_path: Path) -> None:
    text = (
        '{"id": 1, "zip": "00501", "x": 1.5, "ok": true, "day": "2024-01-31", "big": 18446744073709551615, "a b": "é"}'
        '\n\n{"id": 2, "x": null, "zip": "10001", "late": 7, "ok": false, "day": "2024-02-01", "big": 1, "a b": "\\n"}'
    )
    for name in ("t.jsonl", "t.ndjson", "t.jsonl.gz"):
        table = lines(tmp_path, text, name)
        assert table == {
            "id": [1, 2],
            "zip": ["00501", "10001"],
            "x": [1.5, None],
            "ok": [True, False],
            "day": [DAY, dt.date(2024, 2, 1)],
            "big": [2**64 - 1, 1],
            "a b": ["é", "\n"],
            "late": [None, 7],
        }


def test_numbers_and_words_of_a_key(tmp_path: Path) -> None:
    text = "".join(
        json.dumps({"n": "unknown" if row == 7 else row / 8, "code": "x7" if row == 3 else row}) + "\n"
        for row in range(50)
    )
    table = lines(tmp_path, text, types={"code": "text"})
    assert table["n"][6:9] == [0.75, None, 1.0]
    assert table["code"][2:5] == ["2", "x7", "4"]
    digits = '{"a": 123456789012345678901234567890}\n{"a": 7}\n'
    assert lines(tmp_path, digits) == {"a": ["123456789012345678901234567890", "7"]}
    assert lines(tmp_path, '{"a": NaN}\n{"a": 1.5}\n')["a"][1] == 1.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1}\n\n{"a": 2\n{"a": 3}\n', "line 3 is not JSON ({\"a\": 2): Expecting ',' delimiter."),
        ('{"a": 1} x\n{"a": 2}\n', 'line 1 is not JSON ({"a": 1} x): Extra data.'),
        ('{"a": 1}\n5\n', "line 2 holds 5, not an object."),
        ('[{"a": 1}, {"a": 2}]\n', "not an object; write one object a line, as pandas does by to_json(FILE, orient="),
        ('[\n{"a": 1},\n{"a": 2}\n]\n', "line 1 is not JSON ([): Expecting value; write one object a line"),
        (
            '{"a": 1}\n{"a": 2, "b": {"c": 1}}\n',
            "'b' holds an object in line 2; one value is needed: give each part a key",
        ),
        ('{"a": 1}\n{"a": [1, 2]}\n', "'a' holds a list in line 2"),
        ('{"a": 1}\n{"b": 1, "a": 2, "b": 3}\n', "line 2 has the key 'b' twice."),
        ('{"a": 1, "A": 2}\n', "the keys 'a' and 'A' differ in upper and lower case only"),
        ('{"": 1}\n', "a key without a name"),
        ('{"a": 1, "b": 2}\n{"a": true, "b": 3}\n', "column 'a' holds a truth value in line 2 and a number in line 1"),
        ('{"d": "01/02/2024"}\n{"d": "03/04/2024"}\n', "column 'd': '01/02/2024' in line 1 fits %d/%m/%Y and %m/%d/%Y"),
        ("", "the table is empty: 0 rows, 0 columns."),
        ("{}\n{}\n", "the table is empty: 0 rows, 0 columns."),
        ('{"a": "\\ud800"}\n{"a": 1}\n', "no low surrogate in string"),
        ('{"a": "x\0y"}\n', "line 1 holds a NUL character"),
    ],
)
def test_lines_that_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        lines(tmp_path, text)
    message(caught, "data.path=", said)


def test_the_line_of_one_file_among_several(tmp_path: Path) -> None:
    for name, text in (("a.jsonl", '{"a": 1}\n'), ("b.jsonl", '{"a": 2}\n{"a": }\n')):
        (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=r"line 2 of b\.jsonl is not JSON"):
        read_files([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], "data.orders")


# ---- compressed text


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zst", "t.jsonl.zst", "t.jsonl.gz"])
def test_cut_and_damaged_archives_are_refused(tmp_path: Path, name: str) -> None:
    table = pa.table({"a": np.arange(20_000), "b": np.arange(20_000) % 13})
    path = tmp_path / name
    write_rows(path, iter([table]))
    whole = path.read_bytes()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        path.write_bytes(whole[: int(rng.integers(10, len(whole) - 1))])
        with pytest.raises(UserError) as caught:
            read_table(str(path), "data.path")
        message(caught, f"not a readable {'gzip' if name.endswith('gz') else 'zstd'} file")
        content = bytearray(whole)
        content[int(rng.integers(10, len(whole)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        if name.endswith(".gz"):  # whose bytes have a checksum
            with pytest.raises(UserError, match="not a readable gzip file"):
                read_table(str(path), "data.path")


# ---- where files are taken


def test_logs_are_sheets_of_one_workbook_or_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gans")
    times = [dt.datetime(2024, 1, 1 + day, 9 + day) for day in range(4)]
    orders = [
        ["customer", "time", "amount"],
        *([f"u{place % 2}", time, 1.5 * place + 1] for place, time in enumerate(times)),
    ]
    people = [["customer", "age"], ["u0", 30], ["u1", 40]]
    book = str(workbook(tmp_path / "shop.xlsx", ("Info", [["read me"]]), ("Orders", orders), ("customers", people)))
    table = Profiles(orders=book, customers=book).read()
    assert table.num_rows == 2
    assert "sheet 'Orders' of 'Info', 'Orders', 'customers'" in caplog.text
    for part, rows in enumerate((orders[1:3], orders[3:])):
        records = [dict(zip(orders[0], [row[0], str(row[1]), row[2]], strict=True)) for row in rows]
        (tmp_path / f"part-{part}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    again = Profiles(orders=str(tmp_path / "part-*.jsonl"), customers=book).read()
    assert again.to_pydict() == table.to_pydict()
    with pytest.raises(UserError, match=r"data\.orders=.*shop\.xls: allowed are queries.*Save the workbook as \.xlsx"):
        Profiles(orders=str(tmp_path / "shop.xls")).read()


def test_tables_of_other_files_get_the_types_of_the_real_one(tmp_path: Path) -> None:
    table = pa.table(
        {"zip": ["1", "02", "3", "04"], "n": [1.0, 2.0, 3.0, None], "d": [DAY, None, DAY, DAY], "b": [True] * 4}
    )
    schema = detect(normalise(table), {"zip": "category"})
    known = {column.name: column for column in schema.columns}
    path = workbook(
        tmp_path / "t.xlsx", ("A", [["zip", "n", "d", "b"], [1, 2, "2024-01-31", "true"], [2, 3, DAY, "false"]])
    )
    for found in (read_table(str(path), "synthetic", None, known),):
        assert found.schema.types == table.schema.types
        assert found.to_pydict() == {"zip": ["1", "2"], "n": [2.0, 3.0], "d": [DAY, DAY], "b": [True, False]}
    (tmp_path / "t.jsonl").write_text('{"zip": 1, "n": 2, "d": "2024-01-31", "b": true}\n')
    found = read_table(str(tmp_path / "t.jsonl"), "synthetic", None, known)
    assert found.schema.types == table.schema.types


@pytest.mark.parametrize("key", ["sheet", "delimiter"])
def test_a_key_that_a_file_has_no_use_for(tmp_path: Path, key: str) -> None:
    workbook(tmp_path / "t.xlsx", ("A", [["a"], [1]]))
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n')
    for name in {"sheet": ["t.csv", "t.jsonl"], "delimiter": ["t.xlsx", "t.jsonl"]}[key]:
        with pytest.raises(UserError, match=f"data.{key}: data.path=.*{name} is no"):
            TableFile(path=str(tmp_path / name), **{key: ";"}).read()
