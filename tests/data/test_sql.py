"""One SELECT over the files that it names: what reads and writes anything else is refused, and does nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.data.customer_profiles import Profiles
from gans.data.sql import Sql, check_expression, check_select, connect, lock, read_query
from gans.errors import UserError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with two Parquet files, a CSV file and a secret."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), "one.parquet")
    pq.write_table(pa.table({"a": [3, 4], "b": ["x", "z"]}), "two.parquet")
    Path("names.csv").write_text("b,name\nx,ex\ny,why\n")
    Path("it's.csv").write_text("a\n1\n")
    Path("secret.txt").write_text("password")
    return tmp_path


ATTACKS = [
    ("copy (select 42) to 'out.csv'", "exactly one SELECT is needed, not COPY"),
    ("select 1; copy (select 42) to 'out.csv'", "exactly one SELECT is needed, without ';'"),
    ("select 1; select 2", "there are 2 statements"),
    ("/* ; */ select 1 -- ;\n; drop table x", "there are 2 statements"),
    ("select 1) to 'out.csv'; copy (select 1", "Parser Error"),
    ("attach 'out.duckdb' as other", "not ATTACH"),
    ("install httpfs", "not LOAD"),
    ("load httpfs", "not LOAD"),
    ("set enable_external_access = true", "not SET"),
    ("pragma database_list", "exactly one SELECT is needed"),
    ("create table t as select 1", "not CREATE"),
    ("export database 'out'", "exactly one SELECT is needed"),
    ("call duckdb_secrets()", "not CALL"),
    ("explain analyze select 1", "not EXPLAIN"),
    ("describe select 1", "exactly one SELECT is needed"),
    ("with t as (delete from x returning *) select * from t", "SELECT"),
    ("with t as (insert into x values (1) returning *) select * from t", "SELECT"),
    ("select * from read_text('secret.txt')", "function read_text is not read from"),
    ("select * from main.READ_TEXT('secret.txt')", "function read_text is not read from"),
    ("select * from \"read_text\"('secret.txt')", "function read_text is not read from"),
    ("select (select content from read_blob('secret.txt'))", "function read_blob is not read from"),
    ("select 1 where exists (from glob('*'))", "function glob is not read from"),
    ("with t as (from read_text('secret.txt')) from t", "function read_text is not read from"),
    ("select 1 union all (select content from read_text('secret.txt'))", "function read_text is not read from"),
    ("from query('select * from read_text(''secret.txt'')')", "function query is not read from"),
    ("from query_table('secret.txt')", "function query_table is not read from"),
    ("from sniff_csv('names.csv')", "function sniff_csv is not read from"),
    ("from duckdb_settings()", "function duckdb_settings is not read from"),
    ("from sqlite_scan('x.db', 't')", "function sqlite_scan is not read from"),
    ("from postgres_scan('host=x', 'public', 't')", "function postgres_scan is not read from"),
    ("from read_csv('sec' || 'ret.txt')", "read_csv needs the name of a file as it is"),
    ("from read_csv((select 'secret.txt'))", "read_csv needs the name of a file as it is"),
    ("from read_csv(['names.csv', concat('secret', '.txt')])", "read_csv needs the name of a file as it is"),
    ("from read_csv(getvariable('x'))", "read_csv needs the name of a file as it is"),
    ("from 'https://example.org/x.parquet'", "is not a file on this machine"),
    ("from read_parquet('s3://bucket/x.parquet')", "is not a file on this machine"),
    ("from read_csv(['names.csv', 'hf://datasets/x/y.csv'])", "is not a file on this machine"),
    ("select getenv('HOME')", "function getenv reads more than the table"),
    ("select a from 'one.parquet' order by GetEnv('HOME')", "reads more than the table"),
    ("select current_setting('home_directory')", "function current_setting"),
    ("from 'none.parquet'", "'none.parquet': no such file"),
    ("from 'none/*.parquet'", "'none/*.parquet': no such file"),
]


@pytest.mark.parametrize(("query", "part"), ATTACKS)
def test_what_is_no_plain_query_is_refused_and_does_nothing(folder: Path, query: str, part: str) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(UserError) as caught:
        Sql(query=query).read()
    assert str(caught.value).startswith("data.query: ")
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(folder.rglob("*")) == before


GOOD = [
    ("select sum(a)::int as n from '*.parquet'", [10]),
    ("select sum(a)::int as n from read_parquet(['one.parquet', 'two.parquet'])", [10]),
    ("select sum(a)::int as n from '*.parquet' join 'names.csv' using (b)", [6]),
    ("with t as (from 'one.parquet'), u as (select a + 1 as a from t) select sum(a)::int as n from u", [5]),
    ("with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) select max(n) as n from t", [3]),
    ("select count(*) as n from read_csv('names.csv', header = false, all_varchar = true)", [3]),
    ('select count(*) as n from "it\'s.csv"', [1]),
    ("select n from (values (7)) t(n)", [7]),
    ("from range(2) t(n)", [0, 1]),
    ("select unnest([5, 6]) as n", [5, 6]),
    ("select a as n from one.parquet where b = 'x' -- the first", [1]),
    ("select 1 as n; -- a comment", [1]),
    ("select count(*) as n from (from 'one.parquet' union all by name from 'two.parquet')", [4]),
    ("select x as n from (pivot 'one.parquet' on b in ('x', 'y') using sum(a) group by a)", [1, None]),
    ("select row_number() over (order by a) as n from 'one.parquet' qualify n = 2", [2]),
    ("select len(list_transform([1, 2], lambda v: v + 1)) as n", [2]),
    ("select hour(timezone('Europe/Rome', timestamptz '2024-01-01 12:00:00+00')) as n", [13]),
]


@pytest.mark.parametrize(("query", "values"), GOOD)
def test_plain_queries_over_files_are_read(folder: Path, query: str, values: list[int | None]) -> None:
    del folder
    found = Sql(query=query).read()["n"].to_pylist()
    assert sorted(found, key=str) == sorted(values, key=str)


def test_a_database_gives_tables_and_views_and_nothing_beside_them(folder: Path) -> None:
    with duckdb.connect("shop.duckdb") as made:
        made.execute("create table people as select 1 as n; create view adults as select n + 1 as n from people")
        made.execute('create table "orders.csv" as select 7 as n; create schema s; create table s.t as select 9 as n')
        made.execute("create view leak as select content as n from read_text('secret.txt')")
        made.execute("create view by_file as select a as n from 'one.parquet'")
        made.execute("create macro json_serialize_sql(x) as '{}'")
    for query, value in (("people", 1), ("adults", 2), ('"orders.csv"', 7), ("s.t", 9), ("shop.s.t", 9)):
        assert read_query(f"select n from {query}", "shop.duckdb", "data.query").to_pydict() == {"n": [value]}
    both = "select p.n + o.a as n from people p join 'one.parquet' o on o.a = p.n"
    assert read_query(both, "shop.duckdb", "data.query").to_pydict() == {"n": [2]}
    for view in ("leak", "by_file"):
        with pytest.raises(UserError, match=r"only files that a query names itself are read, data\.trust=true"):
            read_query(f"from {view}", "shop.duckdb", "data.query")
    with pytest.raises(UserError, match="function read_text is not read from"):
        read_query("from read_text('secret.txt')", "shop.duckdb", "data.query")
    for name in ("md:", "md:shop", "https://example.org/x.duckdb", str(folder)):
        with pytest.raises(UserError, match=r"data\.database=.*: no such file"):
            read_query("select 1", name, "data.query")


def test_trust_reads_anything_but_stays_one_select(folder: Path) -> None:
    del folder
    assert Sql(query="select content from read_text('secret.txt')", trust=True).read().num_rows == 1
    with pytest.raises(UserError, match="not COPY"):
        Sql(query="copy (select 42) to 'out.csv'", trust=True).read()
    assert not Path("out.csv").exists()


def test_a_locked_connection_takes_arrow_tables_and_makes_views_and_nothing_else(folder: Path) -> None:
    tables = pa.table({"n": [1, 2]})
    with connect(None) as connection:
        connection.execute(f"set temp_directory = '{folder}/spill'")
        lock(connection, ["one.parquet", "t*.parquet"])
        connection.register("given", tables)
        connection.execute("create temp view twice as select n from given union all from given")
        assert connection.execute("select sum(n) from twice").fetchall() == [(6,)]
        assert connection.execute("select count(*) from 't*.parquet'").fetchall() == [(2,)]
        for statement in (
            "from tables",  # the variable of this function
            "from 'names.csv'",
            "from '*.parquet'",
            "from read_text('secret.txt')",
            "copy (select 1) to 'out.csv'",
            "copy (select 1) to 'one.parquet'",
            "attach 'out.duckdb'",
            "load httpfs",
            "set enable_external_access = true",
            "set lock_configuration = false",
            "set allowed_paths = ['secret.txt']",
            "set temp_directory = 'elsewhere'",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement).fetchall()
    assert sorted(path.name for path in folder.iterdir() if path.name != "spill") == [
        "it's.csv",
        "names.csv",
        "one.parquet",
        "secret.txt",
        "two.parquet",
    ]


def test_sorting_more_than_memory_spills_while_locked(folder: Path) -> None:
    with connect(None) as connection:
        connection.execute(f"set temp_directory = '{folder}/spill'")
        connection.execute("set memory_limit = '40MB'; set threads = 1")
        lock(connection, [])
        rows = "select count(*) from (select distinct hash(i)::varchar || 'abcdefgh' from range(800_000) t(i))"
        assert connection.execute(rows).fetchall() == [(800_000,)]


@pytest.mark.parametrize(
    "sql",
    [
        "customer",
        '"Client Id"',
        "replace(v, ',', '.')::double",
        "sum(a) filter (where b = 'x') -- mine",
        "max(a) over ()",
        "case when a > 1 then 'x' end",
        "(select max(time) from orders)",
        "list_max([1, 2])",
        "date '2024-01-01'",
    ],
)
def test_an_expression_may_be_anything_over_columns(sql: str) -> None:
    check_expression(sql, "key")


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("(select content from read_text('secret.txt'))", "no table function"),
        ("(select a from 'one.parquet')", "reads no file"),
        ("(select max(i) from range(9) t(i))", "no table function"),
        ("exists (from read_csv('names.csv'))", "reads no file"),
        ("getenv('HOME')", "getenv"),
        ("current_setting('home_directory')", "current_setting"),
        ("1), (2", "one expression is needed"),
        ("1) from read_text('secret.txt'), (select 1", "key: "),
        ("1) from orders where (true", "one expression is needed"),
        ("1) union all select (2", "one expression is needed"),
        ("1); copy (select 42) to 'out.csv'; select (1", "one expression is needed, without ';'"),
        ("a /*", "Parser Error"),
    ],
)
def test_an_expression_is_one_and_reads_nothing(sql: str, part: str) -> None:
    with pytest.raises(UserError, match=r"^key: ") as caught:
        check_expression(sql, "key")
    assert part in str(caught.value)


def test_a_comment_at_the_end_hides_nothing_that_follows(folder: Path) -> None:
    del folder
    pq.write_table(pa.table({"c": ["a", "b"], "t": ["2024-01-01", "2024-01-02"], "v": [1.0, 2.0]}), "log.parquet")
    columns = {"orders": {"customer": "c -- key", "time": "t", "amount": "v * 2 -- euro"}}
    source = Profiles(
        orders="select * from 'log.parquet' -- all", columns=columns, features={"lines": {"most": "max(amount) -- !"}}
    )
    assert source.profiles()[0]["most"].to_pylist() == [2.0, 4.0]


LOG: dict[str, Any] = {"orders": "log.parquet"}
PROFILES = [
    ({"orders": "select 1; copy (select 42) to 'out.csv'"}, "data.orders: exactly one SELECT is needed"),
    ({"orders": "select * from read_text('secret.txt')"}, "data.orders: function read_text"),
    ({"orders": "with t as (from read_blob('*')) from t"}, "data.orders: function read_blob"),
    ({"customers": "from 'https://example.org/x.csv'"}, "data.customers: 'https://example.org/x.csv' is not a file"),
    ({"columns": {"orders": {"customer": "(select content from read_text('secret.txt'))"}}}, "no table function"),
    ({"columns": {"orders": {"customer": "c) from read_text('secret.txt'), (select 1"}}}, "data.columns.orders.custo"),
    ({"columns": {"orders": {"customer": "getenv('HOME')"}}}, "data.columns.orders.customer=getenv('HOME')"),
    ({"features": {"lines": {"n": "(select max(a) from 'one.parquet')"}}}, "data.features.lines.n="),
    ({"features": {"lines": {"n": "max(getenv('HOME'))"}}}, "data.features.lines.n="),
    ({"features": {"profile": {"n": "(select content from read_text('secret.txt'))"}}}, "data.features.profile.n="),
    ({"zone": "x'; copy (select 42) to 'out.csv'; select '1"}, "data.zone="),
    ({"database": "md:shop"}, "data.database=md:shop: no such file"),
]


@pytest.mark.parametrize(("settings", "part"), PROFILES)
def test_profiles_refuse_the_same(folder: Path, settings: dict[str, Any], part: str) -> None:
    pq.write_table(
        pa.table({"customer": ["a", "b"], "time": ["2024-01-01", "2024-01-02"], "amount": [1.0, 2.0]}), "log.parquet"
    )
    before = sorted(folder.rglob("*"))
    with pytest.raises(UserError) as caught:
        Profiles(**(LOG | settings)).profiles()
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(folder.rglob("*")) == before


def test_the_command_refuses_in_one_line(command: Callable[..., Any]) -> None:
    found = command("train", "data=sql", "data.query=copy (select 42) to 'out.csv'", "+debug=limit")
    assert (found.status, found.err.splitlines()[-1]) == (
        2,
        "error: data.query: exactly one SELECT is needed, not COPY.",
    )
    assert list(Path().iterdir()) == []


def test_the_files_of_a_query(folder: Path) -> None:
    query = "with t as (from 'one.parquet') from t join read_csv(['names.csv', '~/x.csv']) using (b), \"t\" as u"
    with pytest.raises(UserError, match=r"'~/x\.csv': no such file"):
        check_select(query, "key")
    text, files = check_select(query.replace("~/x", f"{folder}/names") + ";", "key")
    assert not text.endswith(";")
    assert sorted(files) == [f"{folder}/names.csv", "names.csv", "one.parquet"]


def test_what_is_nested_too_deeply_to_be_checked_is_refused() -> None:
    with pytest.raises(UserError, match="nested too deeply"):
        check_expression("1" + " + 1" * 900, "key")
    check_expression("1" + " + 1" * 100, "key")
