"""Text files as spreadsheets, banks, shops and libraries export them."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from gans.data.delimited.options import TextOptions
from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.data.writing import write_rows
from gans.errors import UserError


def read(folder: Path, text: str, **options: Any) -> dict[str, list[Any]]:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return read_table(str(path), "data.path", TextOptions(**options)).to_pydict()


def column(folder: Path, *values: str, **options: Any) -> list[Any]:
    rows = "".join(f"{value};{'ab'[place % 2]}\n" for place, value in enumerate(values))
    return read(folder, f"it;plan\n{rows}", **options)["it"]


def refused(folder: Path, text: str, *said: str, **options: Any) -> None:
    with pytest.raises(UserError) as caught:
        read(folder, text, **options)
    assert "\n" not in str(caught.value)
    for word in said:
        assert word in str(caught.value)


@pytest.mark.parametrize("order", ["os;betrag;preis", "preis;betrag;os", "betrag;preis;os"])
def test_the_order_of_columns_decides_nothing(tmp_path: Path, order: str) -> None:
    cells = {"os": ("10.1", "10.2"), "betrag": ("1.234", "5.678"), "preis": ("5,50", "6,50")}
    rows = "".join(";".join(cells[name][place] for name in order.split(";")) + "\n" for place in (0, 1))
    refused(tmp_path, f"{order}\n{rows}", "column 'betrag'", "data.decimal or data.thousands")
    dates = {"a": "31/01/2024", "b": "01/02/2024", "c": "01/31/2024"}
    for names in ("abc", "acb", "bca"):
        text = ",".join(names) + "\n" + ",".join(dates[name] for name in names) + "\n"
        refused(tmp_path, text, "column 'b'", "data.formats.b")


def test_thousands_in_files_without_semicolons_are_asked_about(tmp_path: Path) -> None:
    refused(tmp_path, "a\tb\n1.234\tx\n950\ty\n12.500\tz\n", "'1.234' in line 2")
    refused(tmp_path, "a,b\n€1.234,x\n€2.345,y\n", "'€1.234' in line 2")


@pytest.mark.parametrize(
    "values",
    [
        ("192.168.178.100", "192.168.178.101", "192.168.178.102"),
        ("100.200.300", "100.200.301", "999.200.300"),
        ("612 345 678", "612 345 679", "699 999 999"),
    ],
)
def test_grouped_codes_stay_text(tmp_path: Path, values: tuple[str, ...]) -> None:
    assert column(tmp_path, *values) == list(values)


def test_codes_that_would_become_one_number_are_asked_about(tmp_path: Path) -> None:
    refused(
        tmp_path, "os,n\n10.1,1\n10.10,2\n10.15,3\n", "'10.1' in line 2 and '10.10' are one number", "data.types.os"
    )
    assert read(tmp_path, "os,n\n10.1,1\n10.10,2\n", types={"os": "text"})["os"] == ["10.1", "10.10"]
    assert read(tmp_path, "v,n\n950.0,1\n12.5,2\n3.25,3\n")["v"] == [950.0, 12.5, 3.25]


def test_a_number_beyond_all_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "v,n\n1.5e+400,1\n2.5,2\n", "'1.5e+400' in line 2 is larger than any number")


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (("1.234,56-", "7,50-", "12,00"), [-1234.56, -7.5, 12.0]),
        (("\u22125.5", "3.25", "\u22121.5"), [-5.5, 3.25, -1.5]),
        (("+3", "-1", "2"), [3, -1, 2]),
        (("$ (12.00)", "$ 1.50", "$ 2.25"), [-12.0, 1.5, 2.25]),
        (("1.234501E7", "1.5e5", "2.5E-3"), [12345010.0, 150000.0, 0.0025]),
        (("AED 1,000.00", "AED 2.50", "AED 3.00"), [1000.0, 2.5, 3.0]),
        (("1\u00a0234,5", "1 000,5", "2\u202f000,25"), [1234.5, 1000.5, 2000.25]),
        (("TRUE", "FALSE", "NA"), [True, False, None]),
        (("2024-01-01", "2024-02-01", "NA"), [dt.date(2024, 1, 1), dt.date(2024, 2, 1), None]),
        (
            ("2024年1月31日", "2024年12月1日", "2023年3月5日"),
            [dt.date(2024, 1, 31), dt.date(2024, 12, 1), dt.date(2023, 3, 5)],
        ),
        (('""', "4", "3"), [None, 4, 3]),
        (("  ", "2024-01-01", "2024-01-02"), [None, dt.date(2024, 1, 1), dt.date(2024, 1, 2)]),
    ],
)
def test_values_as_they_are_exported(tmp_path: Path, values: tuple[str, ...], read: list[Any]) -> None:
    assert column(tmp_path, *values) == read


def test_years_of_two_digits_behind_a_name_are_asked_about(tmp_path: Path) -> None:
    refused(tmp_path, "born,n\n1-Jan-24,1\n15-Mar-23,2\n", "either century", "data.formats.born='%-d-%b-%y'")
    assert column(tmp_path, "1-Jan-24", "15-Mar-23", formats={"it": "%d-%b-%y"})[0] == dt.date(2024, 1, 1)


def test_amounts_and_dates_in_quotes_are_no_text(tmp_path: Path) -> None:
    table = read(tmp_path, 'n;amount;day\n1;"1.234,56";"2024-01-01"\n2;"7,50";"2024-01-02"\n')
    assert table["amount"] == [1234.56, 7.5]
    assert table["day"] == [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]


def test_money_with_decimal_commas_reads_back_alone(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("n;amount\n" + "1;1.234,56 €\n2;7,50 €\n1;0,25 €\n" * 5)
    table = read_table(str(tmp_path / "t.csv"), "data.path")
    write_rows(tmp_path / "out.csv", iter([table]), detect(normalise(table)))
    assert read_table(str(tmp_path / "out.csv"), "out").to_pydict() == table.to_pydict()
    assert (tmp_path / "out.csv").read_text().splitlines()[1] == "1;1.234,56 €"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sep=;\na;b\n1;2\n", "line 1 says 'sep=;' to Excel only"),
        ("Umsatz Bericht;;\nid;v;w\n1;2;3\n", "leaves several columns without a name"),
        ("\n\na,b\n1,x\n", "line 1 is empty"),
        ("v\n1,5\n2,5\n", "data.delimiter where ',' parts no columns"),
    ],
)
def test_lines_before_the_names(tmp_path: Path, text: str, said: str) -> None:
    refused(tmp_path, text, said)


def test_rows_without_a_value_at_the_end_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gans")
    assert read(tmp_path, "a,b\n1,x\n2,y\n,\n,\n") == {"a": [1, 2], "b": ["x", "y"]}
    assert "2 rows without a value at the end are left out" in caplog.text


def test_a_number_that_is_none_and_an_encoding_of_no_text(tmp_path: Path) -> None:
    refused(tmp_path, "v,n\nred,1\nblue,2\n", "'red' in line 2 is not a number", types={"v": "number"})
    for encoding in ("base64", "rot13"):
        with pytest.raises(UserError, match=f"data.encoding={encoding}: no such encoding"):
            TextOptions(encoding=encoding).check_text_options()


def test_years_as_names(tmp_path: Path) -> None:
    assert list(read(tmp_path, "name,2021,2022\nAnn,34,56\nBob,94,35\n")) == ["name", "2021", "2022"]
