import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.data.base import Source, Split
from gans.data.embedded import Charity, Households, Loans
from gans.data.files import Published, TableFile
from gans.data.sql import Sql
from gans.errors import UserError

ROWS = 200


def csv(folder: Path, text: str | bytes, name: str = "t.csv") -> pa.Table:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return TableFile(path=str(path)).read()


# ---- embedded tables


@pytest.mark.parametrize(
    ("source", "shape", "names", "labels"),
    [
        (
            Households(),
            (9275, 9),
            ["income", "age", "family_size", "net_assets"],
            {"gender": {"female", "male"}, "married": {"no", "yes"}, "pension_eligible": {"no", "yes"}},
        ),
        (Charity(), (4268, 8), ["gift", "last_gift", "average_gift"], {"responded": {"no", "yes"}}),
        (
            Loans(),
            (1989, 41),
            ["loan_amount", "net_worth", "dependents"],
            {"approved": {"no", "yes"}, "rate": {"fixed", "adjustable"}, "gender": {"female", "male", None}},
        ),
    ],
    ids=["households", "charity", "loans"],
)
def test_embedded_tables(source: Source, shape: tuple[int, int], names: list[str], labels: dict[str, set[Any]]) -> None:
    table = source.read()
    assert table.shape == shape
    assert set(names) <= set(table.column_names)
    for name, words in labels.items():
        assert set(table[name].unique().to_pylist()) == words
    split = source.split()
    assert split.training.num_rows + split.holdout.num_rows == shape[0]
    assert [c.name for c in split.schema.features] == table.column_names
    for column in table.columns:
        if pa.types.is_string(column.type):
            assert not any(value and value.strip().isdigit() for value in column.unique().to_pylist())


def test_known_values_of_households() -> None:
    table = Households().read().to_pandas()
    assert table.iloc[0].to_dict() == {
        "income": 13.17,
        "age": 40,
        "family_size": 1,
        "net_assets": 4.575,
        "married": "no",
        "gender": "female",
        "pension_eligible": "no",
        "pension_participant": "no",
        "ira": "yes",
    }
    assert not table.isna().any().any()
    assert abs((table.pension_eligible == "yes").mean() - 0.392) < 0.001  # Abadie 2003, table 1


def test_loans_has_missing_cells_and_no_stand_in_for_them() -> None:
    table = Loans().read()
    missing = {name for name in table.column_names if table[name].null_count}
    assert {"gender", "married", "dependents", "term_months", "credit_guidelines", "minority_area"} <= missing
    for name in table.column_names:
        values = table[name].unique().to_pylist()
        assert 999999.375 not in values
        assert name != "credit_guidelines" or 666 not in values
        assert not any(isinstance(v, float) and np.isnan(v) for v in values)
    assert Loans().split().schema["dependents"].missing


# ---- CSV


@pytest.mark.parametrize(
    ("mark", "name"), [(",", "t.csv"), (";", "t.csv"), ("\t", "t.tsv"), ("|", "t.txt"), (",", "T.CSV")]
)
def test_delimiters(tmp_path: Path, mark: str, name: str) -> None:
    table = csv(tmp_path, f"a{mark}b{mark}c\n1{mark}x{mark}0.5\n2{mark}y z{mark}1.25\n", name)
    assert table.to_pydict() == {"a": [1, 2], "b": ["x", "y z"], "c": [0.5, 1.25]}


def test_dates_words_and_leading_zeros(tmp_path: Path) -> None:
    text = "day,moment,zoned,flag,zip\n2020-01-02,2020-01-02 03:04:05,2020-01-02T03:04:05Z,true,01011\n"
    table = csv(tmp_path, text + "2021-01-02,2020-01-02 03:04:06,2020-01-02T03:04:05+02:00,false,00345\n")
    assert table["day"].to_pylist() == [dt.date(2020, 1, 2), dt.date(2021, 1, 2)]
    assert table["moment"][0].as_py() == dt.datetime(2020, 1, 2, 3, 4, 5)
    moments = table["zoned"].to_pylist()
    assert moments[0] - moments[1] == dt.timedelta(hours=2)
    assert table["flag"].to_pylist() == [True, False]
    assert table["zip"].to_pylist() == ["01011", "00345"]


@pytest.mark.parametrize("word", ["", "NA", "NaN", "null", "None"])
def test_words_are_missing_among_numbers_and_levels_among_words(tmp_path: Path, word: str) -> None:
    table = csv(tmp_path, f"n,t\n1,x\n{word},{word}\n3,z\n")
    assert table.to_pydict() == {"n": [1, None, 3], "t": ["x", word or None, "z"]}


def test_an_infinite_number_in_a_file_does_not_make_its_column_text(tmp_path: Path) -> None:
    for word in ("inf", "-Infinity"):
        with pytest.raises(UserError, match=r"data\.path=.*csv: column 'b' holds an infinite number"):
            csv(tmp_path, f"a,b\n1,{word}\n2,3.5\n3,\n")
    assert csv(tmp_path, "a,b\n1,inf\n2,word\n")["b"].to_pylist() == ["inf", "word"]


def test_quoted_cells(tmp_path: Path) -> None:
    text = 'a,b\n1,"say ""hi"", you"\n2,"line\nbreak"\n3,"naïve ✓"\n'
    assert csv(tmp_path, text)["b"].to_pylist() == ['say "hi", you', "line\nbreak", "naïve ✓"]


def test_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    assert csv(tmp_path, "\ufeffa,b\r\n1,x\r\n2,y\r\n").to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("name", ["it's.csv", "a[1].csv", "a*b?.csv", "customers (1).csv", "é ✓.csv"])
def test_file_names_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    assert csv(tmp_path, "a,b\n1,x\n2,y\n", name).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "year=2024"
    folder.mkdir()
    pq.write_table(pa.table({"a": [1, 2]}), folder / "t.parquet")
    (folder / "t.csv").write_text("a,b\n1,x\n2,y\n")
    assert "year" not in TableFile(path=str(folder / name)).read().column_names


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"data\.path=.*t\.csv: line 2 is not valid utf-8 \(byte 0xE9\).*data\.encoding=cp1252"
    ):
        csv(tmp_path, "name,n\nJosé,2\nx,4\n".encode("latin-1"))


@pytest.mark.parametrize("text", ["", "a,b\n"])
def test_a_file_without_rows(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="the table is empty: 0 rows"):
        Source().split(csv(tmp_path, text))


# ---- Parquet, and files that cannot be read


def test_parquet_keeps_types(tmp_path: Path) -> None:
    table = pa.table({"a": pa.array([1, None], pa.int8()), "t": pa.array([5, 6], pa.timestamp("ms", tz="UTC"))})
    for name in ("t.parquet", "t.pq"):
        pq.write_table(table, tmp_path / name)
        assert TableFile(path=str(tmp_path / name)).read().equals(table)


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t.csv").write_text("a,b\n1,x\n")
    assert TableFile(path="~/t.csv").read().num_rows == 1


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"hello")
    (tmp_path / "a.xlsx").write_bytes(b"hello")
    (tmp_path / "b.pdf").write_bytes(b"hello")
    for path, part in [
        ("", r"data\.path is not set"),
        (tmp_path / "none.csv", r"no such file\. In .* are a\.xlsx, b\.pdf, bad\.parquet"),
        (tmp_path / "bat.parquet", r"Did you mean 'bad\.parquet'\?"),
        (tmp_path / "no" / "none.csv", r"no such file\.$"),
        (tmp_path, r"it is a folder; a file is needed; its tables are a\.xlsx, bad\.parquet"),
        (tmp_path / "a.xlsx", "not a readable Excel workbook"),
        (tmp_path / "b.pdf", r"allowed are \.parquet, \.pq, .*\.csv"),
        (tmp_path / "bad.parquet", "not a readable Parquet file"),
    ]:
        with pytest.raises(UserError, match=part) as caught:
            TableFile(path=str(path)).read()
        assert str(caught.value).startswith("data.path")
        assert "\n" not in str(caught.value)


# ---- SQL


def test_sql_over_files(tmp_path: Path) -> None:
    for part in (1, 2):
        pq.write_table(pa.table({"a": [part, part + 10], "b": ["x", "y"]}), tmp_path / f"{part}.parquet")
    (tmp_path / "names.csv").write_text("b,name\nx,ex\ny,why\n")
    query = f"select sum(a)::int as total, name from '{tmp_path}/*.parquet' join '{tmp_path}/names.csv' using (b)"
    table = Sql(query=query + " group by name order by name").read()
    assert table.to_pydict() == {"total": [3, 23], "name": ["ex", "why"]}


def test_sql_over_a_database_that_it_cannot_change(tmp_path: Path) -> None:
    path = str(tmp_path / "shop.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute("create table customers as select range as n, 'x' as b from range(5)")
    assert Sql(query="select n from customers where n > 2", database=path).read().to_pydict() == {"n": [3, 4]}
    with pytest.raises(UserError, match=r"data\.query: exactly one SELECT is needed, not DELETE"):
        Sql(query="delete from customers", database=path).read()
    assert Sql(query="from customers", database=path).read().num_rows == 5


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (Sql(), r"data\.query is not set"),
        (Sql(query="  "), r"data\.query: it returns no table; a SELECT is needed"),
        (Sql(query="selec 1"), "data.query: Parser Error"),
        (Sql(query="select * from nowhere"), "data.query: Catalog Error.*nowhere"),
        (Sql(query="select * from database"), "data.query: Catalog Error.*database"),
        (Sql(query="select * from 'none.parquet'"), r"data\.query: .*none\.parquet"),
        (Sql(query="select 1", database="/none/x.duckdb"), r"data\.database=/none/x\.duckdb: no such file"),
    ],
)
def test_sql_errors(source: Sql, part: str) -> None:
    with pytest.raises(UserError, match=part) as caught:
        source.read()
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_text("hello" * 5_000)
    with pytest.raises(UserError, match="not a valid DuckDB database"):
        Sql(query="select 1", database=str(path)).read()


def test_every_type_of_duckdb_goes_through_the_split() -> None:
    cells = """(i * 7 % 30)::hugeint as huge, (i / 4)::decimal(10, 2) as money, uuid() as token, i % 2 = 0 as flag,
        interval (i) day as lapse, time '10:00' as hour, 'x'::blob as bytes, [i] as list, {'a': i} as struct,
        timestamptz '2020-01-01' + interval (i) hour as moment, null as nothing, '{}'::json as doc,
        (case when i % 3 = 0 then 'a' else 'b' end)::enum('a', 'b') as letter, (i * 5 % 90)::utinyint as tiny"""
    split = Sql(query=f"select {cells} from range(100) t(i)").split()
    found = {c.name: (c.kind, c.role) for c in split.schema.columns}
    assert found["huge"] == ("integer", "feature")
    assert found["money"] == ("numeric", "feature")
    assert found["moment"] == ("datetime", "feature")
    assert found["letter"] == ("category", "feature")
    assert found["tiny"] == ("integer", "feature")
    assert found["token"] == ("id", "dropped")
    dropped = {name for name, (_, role) in found.items() if role == "dropped"}
    assert {"lapse", "hour", "bytes", "list", "struct"} <= dropped
    assert found["nothing"][1] == found["doc"][1] == "constant"


# ---- published tables


def test_published_from_a_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pa.table({"code": rng.choice([10, 20, 30], ROWS), "age": rng.integers(18, 60, ROWS)})
    pq.write_table(table, tmp_path / "adult.parquet")
    source = Published(root=str(tmp_path), file="adult.parquet", categories=["code"])
    assert source.read().equals(table)
    assert [c.kind for c in source.split().schema.columns] == ["category", "integer"]
    source.kinds = {"code": "integer"}
    assert source.split().schema["code"].kind == "integer"


def test_published_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.root is not set: set it to the folder that contains adult\.parquet"):
        Published(file="adult.parquet").read()
    with pytest.raises(UserError, match=r"data\.root=.*adult\.parquet: no such file"):
        Published(root=str(tmp_path), file="adult.parquet").read()


# ---- the split


def numbered(rows: int = ROWS) -> pa.Table:
    return pa.table({"n": np.arange(rows) + 0.5, "c": ["a", "b"] * (rows // 2) + ["a"] * (rows % 2)})


def members(split: Split) -> tuple[list[float], list[float]]:
    return split.training["n"].to_pylist(), split.holdout["n"].to_pylist()


@pytest.mark.parametrize("holdout", [0.001, 0.1, 0.25, 0.999])
@pytest.mark.parametrize("rows", [4, 5, 200])
def test_the_split_is_disjoint_and_exhaustive(rows: int, holdout: float) -> None:
    training, held = members(Source(holdout=holdout).split(numbered(rows)))
    assert sorted(training + held) == [i + 0.5 for i in range(rows)]
    assert len(held) == min(max(1, round(holdout * rows)), rows - 2)
    assert training == sorted(training)


def test_the_split_depends_on_its_seed_only() -> None:
    first = Source().split(numbered())
    state = np.random.get_state()[1].copy()  # type: ignore[union-attr]
    np.random.default_rng(99).random(7)
    again = Source().split(numbered())
    assert first.training.equals(again.training)
    assert first.holdout.equals(again.holdout)
    assert not Source(split_seed=1).split(numbered()).holdout.equals(first.holdout)
    assert np.array_equal(np.random.get_state()[1], state)


def test_rows_stay_whole() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=ROWS)
    split = Source().split(pa.table({"a": a, "b": -2 * a, "c": [f"{v:.1f}" for v in a]}))
    for part in (split.training, split.holdout):
        values = part["a"].to_numpy()
        assert np.array_equal(part["b"].to_numpy(), -2 * values)
        assert part["c"].to_pylist() == [f"{v:.1f}" for v in values]


def test_limit_takes_rows_of_the_whole_table() -> None:
    whole = Source(limit=10 * ROWS).split(numbered())
    assert sum(map(len, members(whole))) == ROWS
    limited = members(Source(limit=50).split(numbered()))
    assert [len(part) for part in limited] == [45, 5]
    assert max(limited[0] + limited[1]) > 100
    assert not set(limited[0]) & set(limited[1])
    assert members(Source(limit=50).split(numbered())) == limited


def test_the_schema_is_that_of_the_training_rows() -> None:
    split = Source().split(numbered())
    training, held = members(split)
    assert split.schema["n"].bounds == [min(training), max(training)]
    outlier = pa.table({"n": [v if v != held[0] else 1e6 for v in numbered()["n"].to_pylist()], "c": numbered()["c"]})
    assert Source().split(outlier).schema == split.schema


def test_kinds_and_drop_reach_the_schema() -> None:
    table = pa.table({"zip": [1000 + i % 7 for i in range(ROWS)], "a": numbered()["n"], "b": numbered()["n"]})
    schema = Source(kinds={"zip": "category"}, drop=["b"]).split(table).schema
    assert [c.kind for c in schema.features] == ["category", "numeric"]


@pytest.mark.parametrize("rows", [1, 3])
def test_too_few_rows(rows: int) -> None:
    with pytest.raises(UserError, match=f"the table has {rows} rows; at least 4 are needed"):
        Source().split(numbered(rows))


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"holdout": 0}, "data.holdout=0"),
        ({"holdout": 1}, "data.holdout=1"),
        ({"holdout": float("nan")}, "data.holdout=nan"),
        ({"split_seed": -1}, "data.split_seed=-1"),
        ({"limit": 3}, "data.limit=3"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], key: str) -> None:
    with pytest.raises(UserError, match=key):
        Source(**options)


def test_a_target_that_is_no_column_stops_the_run_before_it_trains(tmp_path: Path) -> None:
    table = pa.table({"churned": ["yes", "no"] * 20, "spent": [float(n) for n in range(40)], "id": list(range(40))})
    path = str(tmp_path / "t.parquet")
    pq.write_table(table, path)
    with pytest.raises(UserError, match=r"data\.target=churn: the table has no such column.*Did you mean 'churned'\?"):
        TableFile(path=path, target="churn").split()
    with pytest.raises(UserError, match=r"data\.target=id: the column is left out: "):
        TableFile(path=path, target="id").split()
    assert TableFile(path=path, target="id", drop=["id"]).split().training.num_rows == 36
    assert TableFile(path=path, target="churned").split().training.num_rows == 36
