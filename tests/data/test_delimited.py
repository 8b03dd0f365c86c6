"""Text files: each value is kept as the person meant it, or the file is refused in one line that names the key."""

import bz2
import csv
import datetime as dt
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.data.delimited.options import TextOptions
from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.data.schema import Schema
from gans.data.writing import write_rows
from gans.errors import UserError

G = np.random.default_rng(0)


def read(folder: Path, text: str | bytes, name: str = "t.csv", **options: Any) -> pa.Table:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(str(path), "data.path", TextOptions(**options))


def column(folder: Path, values: list[str], name: str = "it", **options: Any) -> list[Any]:
    """What the values of a column become, beside another column."""
    return read(folder, table_of(name, values), **options)[name].to_pylist()


def table_of(name: str, values: list[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([[name, "plan"], *([value, "ab"[place % 2]] for place, value in enumerate(values))])
    return out.getvalue()


def refused(folder: Path, text: str | bytes, *said: str, **options: Any) -> str:
    """The message of a refusal: one line that has these words."""
    with pytest.raises(UserError) as caught:
        read(folder, text, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in said:
        assert word in message
    return message


# ---- lines and fields (reported as duckdb#14117, #11164, #5663)


ROWS = "".join(
    f"{name},{place % 50},{city}\n" for place, (name, city) in enumerate([("Ann", "Oslo"), ("Bob", "Rome")] * 90)
)


def test_an_unquoted_comma_is_refused_with_its_line(tmp_path: Path) -> None:
    bad = ROWS.replace("Ann,4,Oslo\n", "Ann,5,Paris, France\n", 1)
    refused(tmp_path, "name,amount,city\n" + bad, "line 6 has 4 fields (Ann | 5 | Paris |  France)", "line 1 names 3")


def test_a_line_that_is_short_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "a,b,c,d\n" + "8,30,y\n9,19,z,v\n" * 99, "line 2 has 3 fields (8 | 30 | y)", "line 1 names 4")


def test_a_quote_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, 'a,b\n1,x\n2,"y\n3,z\n', "line 3", "never closed")


@pytest.mark.parametrize("place", [3, 500, 950])
def test_a_column_added_later_is_refused_with_its_line(tmp_path: Path, place: int) -> None:
    rows = ["9,52,z"] * place + ["6,68,z,u"] * 60
    refused(tmp_path, "a,b,c\n" + "\n".join(rows), f"line {place + 2:,} has 4 fields", "line 1 names 3 (a | b | c)")


def test_a_column_that_ends_early_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "a,b,c\n" + "1,2,3\n" * 40 + "1,2\n" * 3, "line 42 has 2 fields (1 | 2)")


def test_line_ends_within_quotes_and_empty_lines_are_counted(tmp_path: Path) -> None:
    table = read(tmp_path, 'a,b\n1,"x\ny"\n\n2,"z"\n\n')
    assert table.to_pydict() == {"a": [1, 2], "b": ["x\ny", "z"]}


def test_two_kinds_of_line_ends_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\r\n1,x\n2,y\r\n").to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


# ---- header (SDV#1933, duckdb#18403)


def test_a_header_of_numbers_is_kept_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gans")
    rows = "".join(f"{region},{a},{a + 3}\n" for a, region in enumerate(["south", "north"] * 20))
    table = read(tmp_path, "region,2019,2020\n" + rows)
    assert table.column_names == ["region", "2019", "2020"]
    assert table.num_rows == 40
    assert "40 rows, 3 columns, of 41 lines" in caplog.text
    assert "data.header=false" in caplog.text
    assert read(tmp_path, "0,1,2\n6,79,4\n3,65,2\n").column_names == ["0", "1", "2"]


def test_a_first_line_that_may_be_values_is_asked_about(tmp_path: Path) -> None:
    rows = "Bob,36,Oslo\nAnn,33,Rome\n" * 20
    refused(tmp_path, rows, "line 1 (Bob | 36 | Oslo)", "data.header=true or data.header=false")
    table = read(tmp_path, rows, header=False)
    assert table.column_names == ["column1", "column2", "column3"]
    assert table.num_rows == 40
    refused(tmp_path, "7,19\n8,20\n9,21\n", "data.header")


def test_a_header_shorter_than_the_rows_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "a,b\n5,25,y\n3,73,z\n", "line 1 names 2 columns (a | b), the rows have 3 (5 | 25 | y)")


def test_names(tmp_path: Path) -> None:
    assert read(tmp_path, "a, b,\n1,x,7\n2,y,8\n").column_names == ["a", "b", "column3"]
    refused(tmp_path, "a,b,a\n1,x,7\n2,y,8\n", "names 'a' twice")


# ---- delimiters, encodings, packed files


@pytest.mark.parametrize(("given", "right"), [(",", ";"), (";", ","), (",", "\t"), (";", "|")])
def test_a_delimiter_that_parts_nothing_is_told_from_the_usual_one(tmp_path: Path, given: str, right: str) -> None:
    text = "\n".join(right.join(row) for row in (("id", "name", "age"), *(("1", "Ann", "30"),) * 30))
    refused(
        tmp_path, text, f"data.delimiter={given!r} gives one column; line 1 (", f"set data.delimiter={right!r}",
        delimiter=given,
    )  # fmt: skip
    assert read(tmp_path, "name\nAnn\nBob\n", delimiter=given).column_names == ["name"]


def test_two_delimiters_that_fit_are_asked_about(tmp_path: Path) -> None:
    text = "a;b,c;d\n" + "1;2,3;4\n" * 5
    refused(tmp_path, text, "',' (2 fields)", "';' (3 fields)", "data.delimiter")
    assert read(tmp_path, text, delimiter=";").column_names == ["a", "b,c", "d"]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-16", None), ("utf-8-sig", None), ("utf-32", None), ("cp1252", "cp1252"), ("gb18030", "gb18030")],
)
def test_encodings(tmp_path: Path, encoding: str, said: str | None) -> None:
    city = "北京" if encoding == "gb18030" else "Köln"
    text = f"city,n\n{city},1\nOslo,2\n".encode(encoding)
    if said:
        refused(tmp_path, text, "line 2 is not valid utf-8", "data.encoding")
    assert read(tmp_path, text, encoding=said)["city"].to_pylist() == [city, "Oslo"]


def test_packed_files(tmp_path: Path) -> None:
    text = b"a,b\n1,x\n2,y\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("t.csv", text)
    packed = {
        "gz": gzip.compress(text),
        "bz2": bz2.compress(text),
        "xz": lzma.compress(text),
        "zip": archive.getvalue(),
    }
    packed["zst"] = pa.Codec("zstd").compress(text, asbytes=True)
    for suffix, content in packed.items():
        assert read(tmp_path, content, f"t.csv.{suffix}").to_pydict() == {"a": [1, 2], "b": ["x", "y"]}
    refused(tmp_path, packed["gz"][:-9], "not a readable gzip file")


def test_a_nul_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, b"a,b\n1,x\n2,y\x00z\n", "line 3 holds a NUL")


# ---- dates (duckdb#816, pandas PDEP-4, duckdb#17253, #11583)


DAYS = [(dt.date(2024, 1, 1) + dt.timedelta(days=int(day))) for day in G.integers(0, 700, 60)]


@pytest.mark.parametrize(
    "pattern",
    [
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d.%m.%Y",
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y%m%d",
        "%d-%b-%Y",
        "%d %B %Y",
        "%b %d, %Y",
        "%B %d, %Y",
    ],
)
def test_dates_of_one_format(tmp_path: Path, pattern: str) -> None:
    assert column(tmp_path, [day.strftime(pattern) for day in DAYS]) == DAYS


@pytest.mark.parametrize(
    "pattern",
    [
        "%d/%m/%Y %H:%M",
        "%m/%d/%Y %I:%M %p",
        "%d.%m.%Y %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%d-%b-%Y %H:%M",
    ],
)
def test_times_of_one_format_come_back_as_they_were(tmp_path: Path, pattern: str) -> None:
    times = [dt.datetime.combine(day, dt.time(place % 24, place % 60)) for place, day in enumerate(DAYS)]
    texts = [time.strftime(pattern) for time in times]
    table = read(tmp_path, table_of("it", texts))
    assert table["it"].to_pylist() == times
    write_rows(tmp_path / "out.csv", iter([table]), detect(normalise(table)))
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row[0] for row in csv.reader(file)][1:] == texts


def test_day_or_month_first_is_asked_about(tmp_path: Path) -> None:
    texts = [f"{month:02}/01/20{year}" for year in range(18, 24) for month in range(1, 13)]
    message = refused(tmp_path, table_of("billed", texts), "column 'billed'", "'01/01/2018' in line 2")
    assert "data.formats.billed='%d/%m/%Y' or data.formats.billed='%m/%d/%Y'" in message
    found = column(tmp_path, texts, "billed", formats={"billed": "%m/%d/%Y"})
    assert found[1] == dt.date(2018, 2, 1)


def test_another_column_tells_the_order_of_day_and_month(tmp_path: Path) -> None:
    rows = "".join(f"{month:02}/01/2022,{month:02}/{day}/2022\n" for month, day in [(1, 20), (2, 16), (11, 5)] * 9)
    table = read(tmp_path, "billed,paid\n" + rows)
    assert table["billed"].to_pylist()[:3] == [dt.date(2022, 1, 1), dt.date(2022, 2, 1), dt.date(2022, 11, 1)]


def test_both_orders_in_one_column_are_refused(tmp_path: Path) -> None:
    refused(tmp_path, table_of("it", ["31/01/2024", "01/31/2024"] * 20), "'01/31/2024' in line 3", "data.types.it=text")


def test_a_day_that_is_not_there_is_refused(tmp_path: Path) -> None:
    texts = [day.strftime("%d/%m/%Y") for day in DAYS]
    refused(tmp_path, table_of("it", [*texts, "30/02/2024"]), "'30/02/2024' in line 62 is not a date")
    iso = [day.isoformat() for day in DAYS]
    refused(tmp_path, table_of("it", [*iso, "2023-02-30"]), "'2023-02-30' in line 62 is not a date")


def test_a_year_of_two_digits_is_asked_about(tmp_path: Path) -> None:
    texts = [day.strftime("%d/%m/%y") for day in DAYS]
    refused(tmp_path, table_of("born", texts), "either century", "data.formats.born='%d/%m/%y'", "data.types.born=text")
    assert column(tmp_path, texts, "born", types={"born": "text"}) == texts


def test_mixed_time_zones_are_refused(tmp_path: Path) -> None:
    texts = ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"] * 20
    refused(tmp_path, table_of("it", texts), "time zones are mixed", "'2024-01-01T10:00:00' in line 3")


# ---- money (duckdb#17093, #17291)


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["531,98", "1,5", "-7,25"], [531.98, 1.5, -7.25]),
        (["€531.98", "€1.50", "-€2.25"], [531.98, 1.5, -2.25]),
        (["531,98 €", "1.001,50 €", "2,25 €"], [531.98, 1001.5, 2.25]),
        (["2,345.10", "12,345,678.90", "1.00"], [2345.1, 12345678.9, 1.0]),
        (["12,34,567.00", "1,234.00", "10.00"], [1234567.0, 1234.0, 10.0]),
        (["67.8%", "5.0%", "100.0%"], [67.8, 5.0, 100.0]),
        (["1 234,5", "12,0", "1 000 000,0"], [1234.5, 12.0, 1e6]),
        (["1'234.50", "99.00", "2'000.00"], [1234.5, 99.0, 2000.0]),
        (["(5.00)", "7.25", "(1,000.00)"], [-5.0, 7.25, -1000.0]),
        (["USD 5", "USD 70", "USD -3"], [5, 70, -3]),
        (["18.60", "69.36", "5.00"], [18.6, 69.36, 5.0]),
        (["1.5e+20", "1e-05", "2.25"], [1.5e20, 1e-5, 2.25]),
    ],
)
def test_money_and_percent_are_numbers_and_are_written_back(
    tmp_path: Path, texts: list[str], values: list[float]
) -> None:
    table = read(tmp_path, table_of("it", texts * 12))
    assert table["it"].to_pylist() == values * 12
    schema = detect(normalise(table))
    schema.write(tmp_path / "schema.json")
    write_rows(tmp_path / "out.csv", iter([table]), Schema.read(tmp_path / "schema.json"))
    again = read_table(str(tmp_path / "out.csv"), "out")
    assert again["it"].to_pylist() == values * 12
    with (tmp_path / "out.csv").open(newline="") as file:
        written = [row[0] for row in csv.reader(file)][1:4]
    if "e" not in texts[0] and "USD" not in texts[0] and not texts[0].startswith("531,98"):
        assert written == texts


def test_thousands_or_decimals_are_asked_about(tmp_path: Path) -> None:
    refused(
        tmp_path, table_of("it", ["1,234", "7,500", "2,250"]), "'1,234' in line 2", "data.decimal or data.thousands"
    )
    assert column(tmp_path, ["1,234", "7,500"], thousands=",") == [1234, 7500]
    assert column(tmp_path, ["1,234", "7,500"], decimal=",") == [1.234, 7.5]
    assert column(tmp_path, ["1.234", "7.500"]) == [1.234, 7.5]  # as programs write decimals
    refused(tmp_path, "a;b\n1.234;x\n7.500;y\n", "'1.234' in line 2")  # where the comma is the decimal sign


def test_another_column_tells_the_decimal_sign(tmp_path: Path) -> None:
    table = read(tmp_path, "a;b\n1.234;12,5\n7.500;3,25\n")
    assert table.to_pydict() == {"a": [1234, 7500], "b": [12.5, 3.25]}


def test_two_currencies_are_refused(tmp_path: Path) -> None:
    refused(tmp_path, table_of("it", ["$5.00", "€6.00"] * 20), "'$' and '€'", "data.types.it=text")


# ---- words among numbers (SDV#1787), words that are levels (SDV#2313)


NUMBERS = [str(value) for value in G.integers(10_000, 99_999, 299)]


def test_one_word_among_numbers_is_a_missing_value_and_is_written_back(tmp_path: Path) -> None:
    texts = [*NUMBERS, "unknown"]
    table = read(tmp_path, table_of("income", texts))
    assert table["income"].to_pylist() == [*map(int, NUMBERS), None]
    write_rows(tmp_path / "out.csv", iter([table]), detect(normalise(table)))
    assert (tmp_path / "out.csv").read_text().splitlines()[-1].startswith("unknown,")


def test_a_cell_with_digits_among_numbers_is_asked_about(tmp_path: Path) -> None:
    refused(
        tmp_path,
        table_of("age", ["90+", *NUMBERS]),
        "'90+' in line 2",
        "data.null_words=['90+']",
        "data.types.age=text",
    )
    assert column(tmp_path, ["90+", *NUMBERS], null_words=["90+"])[:2] == [None, int(NUMBERS[0])]
    assert column(tmp_path, ["90+", *NUMBERS], types={"it": "text"})[0] == "90+"


def test_many_words_among_numbers_are_asked_about(tmp_path: Path) -> None:
    refused(tmp_path, table_of("it", [*NUMBERS, "few", "some", "many", "lots"]), "'few' in line 301")


def test_words_of_text_columns_stay_levels(tmp_path: Path) -> None:
    words = ["None", "NA", "NULL", "nan", "full", ""]
    assert column(tmp_path, words * 5) == [*words[:5], None] * 5
    assert column(tmp_path, words * 5, null_words=["NA"])[1] is None


# ---- codes that look like numbers or dates


@pytest.mark.parametrize(
    "texts",
    [
        ["00123", "10115", "20095"],
        ["1E5", "2E7", "123"],
        ["0x1F", "0x2A", "17"],
        ["1.2.3", "1.10.0", "2.0.1"],
        ["10x20", "3x4", "7x7"],
        ["12-34", "13-99", "55-01"],
        ["12345678901234567890", "99999999999999999999", "11111111111111111111"],
        ["+4915123", "+4416234", "+3312345"],
    ],
)
def test_codes_stay_text(tmp_path: Path, texts: list[str]) -> None:
    assert column(tmp_path, texts * 10) == texts * 10


def test_a_version_by_its_name_stays_text(tmp_path: Path) -> None:
    assert column(tmp_path, ["1.9", "1.10"] * 10, "version") == ["1.9", "1.10"] * 10


def test_numbers_that_a_file_marks_as_text_stay_text(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b\n"12",3.5\n"7",4\n').to_pydict() == {"a": ["12", "7"], "b": [3.5, 4.0]}
    assert read(tmp_path, '"a","b"\n"12","3.5"\n"7","4"\n').to_pydict() == {"a": [12, 7], "b": [3.5, 4.0]}


# ---- keys


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"delimiter": "ab"}, "data.delimiter='ab'"),
        ({"decimal": "x"}, "data.decimal=x: allowed are ., ,"),
        ({"thousands": ",", "decimal": ","}, "data.thousands=,"),
        ({"encoding": "utf-9"}, "data.encoding=utf-9: no such encoding"),
        ({"formats": {"day": "dd/mm"}}, "data.formats.day=dd/mm"),
        ({"types": {"zip": "words"}}, "data.types.zip=words: allowed are text, number"),
        ({"types": {"zip": "text"}, "formats": {"zip": "%d"}}, "data.types.zip=text"),
    ],
)
def test_keys_that_no_file_can_be_read_by(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        TextOptions(**options).check_text_options()
    assert said in str(caught.value)


def test_keys_of_columns_that_are_not_there(tmp_path: Path) -> None:
    refused(
        tmp_path, "day,b\n1,x\n2,y\n", "data.types.dya: no such column", "Did you mean 'day'", types={"dya": "text"}
    )


def test_a_header_that_stands_twice_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "n,word\n" + "1,x\n2,y\n" * 700 + "n,word\n3,z\n", "line 1,402 has the names of line 1 again")
    refused(tmp_path, "word,other\na,x\nword,other\nb,y\n", "line 3 has the names of line 1 again")


def test_a_slip_of_the_pen_among_numbers_is_asked_about(tmp_path: Path) -> None:
    refused(tmp_path, table_of("n", [*NUMBERS, "007"]), "'007' in line 301", "data.types.n=text")
    refused(tmp_path, table_of("n", [*NUMBERS, "12O"]), "'12O' in line 301")
