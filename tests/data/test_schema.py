import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gans.data.base import Source
from gans.data.detection import detect, normalise
from gans.data.schema import Column, Schema, arrow_type
from gans.errors import UserError

ROWS = 60
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=ROWS)
SHUFFLED = RNG.permutation(ROWS)
SENTENCES = [f"the customer called {i} times about a late parcel" for i in range(ROWS)]
DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=int(i % 50)) for i in range(ROWS)]


def cycle(values: list, kind: pa.DataType | None = None) -> pa.Array:
    return pa.array([values[i % len(values)] for i in range(ROWS)], kind)


def column(values: pa.Array, name: str = "x", kind: str | None = None) -> Column:
    table = normalise(pa.table({name: values, "noise": NOISE}))
    return detect(table, {name: kind} if kind else None)[name]


@pytest.mark.parametrize(
    ("values", "kind", "role"),
    [
        (pa.array(NOISE), "numeric", "feature"),
        (pa.array(NOISE, pa.float32()), "numeric", "feature"),
        (pa.array((np.arange(ROWS) / 8).astype(np.float16)), "numeric", "feature"),
        (cycle([Decimal("0.10"), Decimal("1.25"), Decimal("7.05")]), "numeric", "feature"),
        (cycle([3.0, 5.0, 9.0, None]), "integer", "feature"),
        (cycle([-3, 5, 9], pa.int8()), "integer", "feature"),
        (cycle([3, 5, 9], pa.uint64()), "integer", "feature"),
        (cycle([Decimal("10.00"), Decimal("12.00"), Decimal("15.00")]), "integer", "feature"),
        (cycle([5, 7, 9, None]).dictionary_encode(), "integer", "feature"),
        (cycle([0, 1]), "category", "feature"),
        (cycle([0.5, 1.5, None]), "category", "feature"),
        (cycle(["a", "b", None]), "category", "feature"),
        (cycle(["a", "b"]).dictionary_encode(), "category", "feature"),
        (cycle(["a", "b"], pa.large_string()), "category", "feature"),
        (cycle(["a", "b"]).cast(pa.string_view()), "category", "feature"),
        (cycle([2**62, -(2**62), 5]), "category", "feature"),
        (cycle([True, False, None]), "boolean", "feature"),
        (pa.array(DAYS), "datetime", "feature"),
        (pa.array(DAYS, pa.date64()), "datetime", "feature"),
        (pa.array(range(0, ROWS * 7, 7), pa.timestamp("ms")), "datetime", "feature"),
        (pa.array(range(0, ROWS * 7, 7), pa.timestamp("us", tz="Europe/Amsterdam")), "datetime", "feature"),
        (pa.array(SHUFFLED + 1000), "id", "dropped"),
        (pa.array(np.delete(np.arange(1000, 1000 + ROWS + 9), np.arange(0, 45, 5))), "id", "dropped"),
        (pa.array(RNG.integers(-(2**62), 2**62, ROWS)), "id", "dropped"),
        (pa.array([2**63 + 7**20 * i for i in range(ROWS)], pa.uint64()), "id", "dropped"),
        (pa.array([f"c-{i}@shop.nl" for i in range(ROWS)]), "id", "dropped"),
        (pa.array(SENTENCES), "text", "dropped"),
        (pa.array([f"Jan {i} Jansen" for i in range(ROWS)]), "text", "dropped"),
        (cycle([5]), "category", "constant"),
        (cycle(["only"]), "category", "constant"),
        (pa.array([DAYS[0]] * ROWS), "datetime", "constant"),
        (pa.nulls(ROWS, pa.float64()), "category", "constant"),
        (pa.nulls(ROWS), "category", "constant"),
        (cycle([[1], [2, 3]]), "text", "dropped"),
        (cycle([{"a": 1}, {"a": 2}]), "text", "dropped"),
        (cycle([b"a", b"b"]), "text", "dropped"),
        (cycle([b"a"], pa.large_binary()), "text", "dropped"),
        (cycle([dt.time(9), dt.time(17)]), "text", "dropped"),
        (cycle([dt.timedelta(1)]), "text", "dropped"),
        (pa.array([i.to_bytes(16, "big") for i in range(ROWS)], pa.uuid()), "text", "dropped"),
    ],
)
def test_kind_and_role(values: pa.Array, kind: str, role: str) -> None:
    found = column(values)
    assert (found.kind, found.role) == (kind, role)
    assert found.missing == (role != "dropped" and values.null_count > 0)
    assert (found.reason == "") == (role == "feature")


@pytest.mark.parametrize(
    "name", ["id", "ID", "customer_id", "customerId", "CustomerID", "user-uuid", "Key", "RowNumber"]
)
def test_a_number_named_like_an_id_is_one_where_nearly_every_value_is_distinct(name: str) -> None:
    spread = pa.array(SHUFFLED * 97 + 5)
    assert column(spread, name).kind == "id"
    assert column(cycle([3, 97, 512]), name).kind == "integer"


@pytest.mark.parametrize("name", ["amount_paid", "paid", "PAID", "bid", "grid", "covid", "monkey", "identity", "x"])
def test_a_name_that_only_ends_like_an_id_is_none(name: str) -> None:
    assert column(pa.array(SHUFFLED * 97 + 5), name).kind == "integer"


def test_the_training_part_of_a_row_number_is_an_id() -> None:
    table = pa.table({"line": np.random.default_rng(1).permutation(500), "noise": np.arange(500) / 7})
    for holdout in (0.1, 0.5):
        assert Source(holdout=holdout).split(table).schema["line"].kind == "id"


def test_short_tables_have_neither_ids_nor_free_text() -> None:
    table = normalise(pa.table({"line": range(5), "note": SENTENCES[:5]}))
    assert [c.kind for c in detect(table).columns] == ["integer", "category"]


def test_bounds_levels_decimals_and_type() -> None:
    number = column(cycle([1.25, -3.5, 20.0, None]))
    assert (number.bounds, number.levels, number.decimals, number.missing) == ([-3.5, 20.0], 3, 2, True)
    whole = column(cycle([3.0, -7.0, 9.0]))
    assert whole.bounds == [-7, 9]
    assert all(isinstance(bound, int) for bound in whole.bounds or [])
    assert column(pa.array(DAYS)).bounds == ["2020-01-01", "2020-02-19"]
    zoned = column(cycle([0, 10**6, 2 * 10**6], pa.timestamp("us", tz="Europe/Amsterdam")))
    assert zoned.bounds == ["1970-01-01T01:00:00+01:00", "1970-01-01T01:00:02+01:00"]
    assert zoned.type == "timestamp[us, tz=Europe/Amsterdam]"
    assert column(cycle(["only"])).bounds == ["only", "only"]
    assert column(pa.nulls(ROWS)).bounds == [None, None]
    assert column(cycle([2**64 - 1], pa.uint64())).bounds == [2**64 - 1] * 2


@pytest.mark.parametrize("decimals", range(1, 7))
def test_decimals_are_counted(decimals: int) -> None:
    values = np.array([float(f"{v:.{decimals}f}") for v in NOISE * 1000])
    values[0] = float(f"0.{'0' * (decimals - 1)}1")
    assert column(pa.array(values)).decimals == decimals


def test_no_decimals_for_arbitrary_or_huge_numbers() -> None:
    assert column(pa.array(NOISE)).decimals is None
    assert column(pa.array(NOISE * 1e300)).decimals is None
    assert column(cycle([0.1 + 0.2, 0.5, 0.7])).decimals is None


def test_decimals_are_counted_over_all_rows_of_a_long_column() -> None:
    values = np.tile([1.5, 2.5, 3.5, 4.5], 60_000)
    values[100_003] = 2.125
    assert detect(pa.table({"x": values}))["x"].decimals == 3


def test_constant_with_missing_values_is_learned() -> None:
    found = column(cycle(["only", None]))
    assert (found.role, found.missing, found.levels) == ("feature", True, 1)


def test_normalise_unpacks_and_marks_missing() -> None:
    table = pa.table(
        {
            "nan": [1.5, float("nan"), None],
            "dictionary": pa.array(["a", None, "b"]).dictionary_encode(),
            "half": pa.array(np.array([1, 2, 3], np.float16)),
            "small": pa.array([Decimal("1.5")] * 3, pa.decimal32(5, 2)),
            "wide": pa.array([Decimal("1.5")] * 3, pa.decimal256(50, 2)),
            "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", "[]", None])),
        }
    )
    plain = normalise(table)
    assert plain["nan"].to_pylist() == [1.5, None, None]
    types = ["double", "string", "float", "decimal128(5, 2)", "double", "string"]
    assert [str(kind) for kind in plain.schema.types] == types
    assert plain["dictionary"].to_pylist() == ["a", None, "b"]
    assert plain["wide"].to_pylist() == [1.5] * 3
    assert normalise(plain).equals(plain)


def test_overrides() -> None:
    table = normalise(
        pa.table({"zip": cycle([1011, 2022, 3033]), "score": cycle([1, 2, 5]), "line": SHUFFLED, "secret": NOISE})
    )
    schema = detect(table, {"zip": "category", "score": "numeric", "line": "integer"}, ["secret"])
    assert [c.kind for c in schema.features] == ["category", "numeric", "integer"]
    assert schema["score"].decimals == 0
    assert schema["secret"].role == "dropped"
    assert "data.drop" in schema["secret"].reason
    assert [c.name for c in schema.kept] == ["zip", "score", "line"]
    assert detect(table, {"zip": "text", "score": "id"})["zip"].role == "dropped"
    assert detect(table, {"line": "id"})["line"].reason == "data.kinds.line=id"


@pytest.mark.parametrize(
    ("values", "kind", "part"),
    [
        (cycle(["a", "b", "c"]), "numeric", "type string"),
        (cycle(["a", "b", "c"]), "integer", "type string"),
        (cycle(["2020-01-01", "2020-01-02"]), "datetime", "type string"),
        (cycle([0, 1]), "boolean", "type int64"),
        (pa.array(DAYS), "category", "type date32"),
        (cycle([dt.time(9), dt.time(17)]), "category", "type time64"),
        (cycle([[1], [2]]), "category", "type list"),
        (cycle([1.0, 2.5, 3.0]), "integer", "2.5, which is not whole"),
        (cycle([1, 2, 3]), "number", "allowed are numeric, integer, category"),
    ],
)
def test_kinds_that_do_not_fit(values: pa.Array, kind: str, part: str) -> None:
    with pytest.raises(UserError, match=rf"data\.kinds\.x={kind}: .*{part}"):
        column(values, kind=kind)


def test_an_all_missing_column_takes_any_kind() -> None:
    assert column(pa.nulls(ROWS), kind="integer").role == "constant"


@pytest.mark.parametrize(("kinds", "drop"), [({"noize": "numeric"}, []), ({}, ["noize"])])
def test_an_override_of_an_unknown_column_names_the_nearest(kinds: dict[str, str], drop: list[str]) -> None:
    table = normalise(pa.table({"age": [1, 2, 3], "noise": [1.5, 2.5, 3.5]}))
    with pytest.raises(UserError, match=r"data\.(kinds|drop): column 'noize' .* age, noise\. Did you mean 'noise'\?"):
        detect(table, kinds, drop)


def test_unknown_column_of_a_schema_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"column 'agge' is not in the table.*Did you mean 'age'"):
        detect(normalise(pa.table({"age": [1, 2, 3]})))["agge"]


def test_columns_that_were_left_out_are_not_offered() -> None:
    schema = detect(normalise(pa.table({"name": ["a", "b", "c"], "age": [1, 2, 3], "shop": ["x"] * 3})), drop=["name"])
    with pytest.raises(UserError, match=r"column 'naem' is not in the table; allowed are age, shop\.$"):
        schema["naem"]


@pytest.mark.parametrize(
    ("table", "part"),
    [
        (pa.table({}), "empty: 0 rows, 0 columns"),
        (pa.table({"a": pa.array([], pa.int64())}), "empty: 0 rows, 1 columns"),
        (pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), "two columns named 'a'"),
        (pa.table({"worth": [1.0, float("inf")]}), "'worth' holds an infinite number"),
        (pa.table({"worth": pa.array([1.0, float("-inf")], pa.float32())}), "'worth' holds an infinite number"),
    ],
)
def test_tables_that_cannot_be_used(table: pa.Table, part: str) -> None:
    with pytest.raises(UserError, match=part):
        normalise(table)


def test_nothing_left_to_learn_says_why() -> None:
    table = normalise(pa.table({"id": SHUFFLED, "note": SENTENCES, "country": ["NL"] * ROWS, "age": cycle([1, 2, 3])}))
    with pytest.raises(UserError, match=r"no column is left to learn: .*free text.*'NL'.*data\.drop names it"):
        detect(table, drop=["age"])


def test_round_trip_through_json(tmp_path: Path) -> None:
    table = pa.table(
        {
            "naïve ✓": cycle([0.5, 1.25, None]),
            "day": pa.array(DAYS),
            "price": cycle([Decimal("0.10")]),
            "big": cycle([2**64 - 1], pa.uint64()),
            "nothing": pa.nulls(ROWS),
            "tags": cycle([["a"]]),
        }
    )
    schema = detect(normalise(table))
    schema["day"].dtype = "datetime64[ns]"
    path = tmp_path / "schema.json"
    schema.write(path)
    assert Schema.read(path) == schema
    assert "naïve ✓" in path.read_text(encoding="utf-8")
    rows = json.loads(path.read_text(encoding="utf-8"))["columns"]
    assert [row["name"] for row in rows] == table.column_names
    rows[0]["decimals"] = 1
    path.write_text(json.dumps({"columns": rows}))
    assert Schema.read(path)["naïve ✓"].decimals == 1


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"columns": 3}', '{"columns": [{"name": "a", "colour": 1}]}', '{"columns": [5]}', "\0"],
)
def test_damaged_schema(tmp_path: Path, text: str) -> None:
    path = tmp_path / "schema.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"schema\.json: not a readable schema"):
        Schema.read(path)


def test_missing_and_undecodable_schema(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a readable schema"):
        Schema.read(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes('{"columns": "é"}'.encode("latin-1"))
    with pytest.raises(UserError, match="not a readable schema"):
        Schema.read(tmp_path / "latin.json")


def test_lines_tell_what_each_column_is() -> None:
    table = normalise(
        pa.table({"age": cycle([5, 9, 70, None]), "ok": cycle([True, False]), "c": cycle([1]), "n": SENTENCES})
    )
    assert detect(table).lines() == [
        "age  integer, 5 to 70, some missing",
        "ok   boolean, 2 levels",
        "c    constant, not learned, written back: 1",
        "n    text, left out: free text",
    ]


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.int8(), pa.uint64(), pa.float32(), pa.float64(), pa.string(), pa.bool_(), pa.date32(), pa.date64()),
        *(pa.timestamp("s"), pa.timestamp("ns", tz="America/Argentina/Buenos_Aires"), pa.timestamp("us", tz="+02:00")),
        *(pa.decimal128(10, 2), pa.decimal128(38, 0), pa.decimal128(5, -2), pa.null()),
    ],
)
def test_arrow_type_is_the_inverse_of_str(kind: pa.DataType) -> None:
    assert arrow_type(str(kind)) == kind
