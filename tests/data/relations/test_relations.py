"""Relations are found where they were planted and nowhere else, and hold in whatever a generator makes."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs import FittedCodec
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect
from gans.data.layout import Encoded
from gans.data.relations import Relations, find_relations, parse_relation
from gans.data.schema import Schema
from gans.errors import UserError

ROWS = 1_500
CITIES = {"Bern": "CH", "Basel": "CH", "Lyon": "FR", "Nice": "FR", "Rome": "IT", "Pisa": "IT", None: None}
FOUND = {
    "city -> country",
    "level -> years",
    "fahrenheit = 1.8 * celsius + 32",
    "area = side ^ 2",
    "total = gross + tax - rebate",
    "people = adults + children",
    "start <= end",
    "net <= `list price`",
}


def linked(rows: int = ROWS, seed: int = 0) -> pa.Table:
    """One table with a relation of each kind, and columns that follow from nothing."""
    rng = np.random.default_rng(seed)
    names = list(CITIES)
    city = [names[k] for k in rng.integers(0, len(names), rows)]
    level = rng.choice(["school", "college", "university"], rows)
    years = {"school": 9, "college": 12, "university": 16}
    celsius = np.round(rng.normal(10, 8, rows), 1)
    side = rng.integers(1, 60, rows)
    gross, tax, rebate = (np.round(rng.gamma(2, scale, rows), 2) for scale in (100, 20, 5))
    adults, children = rng.integers(0, 9, rows), rng.integers(0, 6, rows)
    start = [datetime(2020, 1, 1) + timedelta(hours=int(h)) for h in rng.integers(0, 20_000, rows)]
    lasts = rng.integers(0, 3_000, rows)
    end = [s + timedelta(hours=int(h)) if h % 5 else None for s, h in zip(start, lasts, strict=True)]
    net = np.round(rng.gamma(3, 50, rows), 2)
    return pa.table(
        {
            "city": city,
            "country": [CITIES[name] for name in city],
            "years": pa.array([years[word] for word in level], pa.int32()),
            "level": level,
            "celsius": celsius,
            "fahrenheit": np.round(1.8 * celsius + 32, 2),
            "side": side,
            "area": side**2,
            "gross": gross,
            "tax": tax,
            "rebate": rebate,
            "total": np.round(gross + tax - rebate, 2),
            "people": adults + children,
            "adults": adults,
            "children": children,
            "start": start,
            "end": end,
            "net": net,
            "list price": np.round(net + rng.gamma(1, 30, rows), 2),
            "noise": rng.normal(size=rows),
            "word": rng.choice(["x", "y", "z"], rows),
        }
    )


TABLE = linked()
SCHEMA = detect(TABLE)


@pytest.fixture(scope="module")
def relations() -> Relations:
    return find_relations(TABLE, SCHEMA)


def rows_of(table: pa.Table) -> list[dict]:
    return table.to_pylist()


def obeys(row: dict) -> bool:
    """All planted relations, recomputed in exact arithmetic."""
    years = {"school": 9, "college": 12, "university": 16}

    def cents(name: str) -> Decimal:
        return Decimal(repr(row[name])).quantize(Decimal("0.01"))

    return (
        CITIES[row["city"]] == row["country"]
        and years[row["level"]] == row["years"]
        and row["fahrenheit"] == round(1.8 * row["celsius"] + 32, 2)
        and row["area"] == row["side"] ** 2
        and cents("total") == cents("gross") + cents("tax") - cents("rebate")
        and row["people"] == row["adults"] + row["children"]
        and (row["end"] is None or row["start"] <= row["end"])
        and row["net"] <= row["list price"]
    )


def test_what_was_planted_is_found_and_nothing_else(relations: Relations) -> None:
    texts = {relation.text for relation in relations.relations}
    assert texts == FOUND
    for relation in relations.relations:
        there = np.ones(ROWS, bool)
        for name in relation.columns:
            there &= TABLE[name].is_valid().to_numpy()
        assert relation.support["rows"] == there.sum()


def test_an_independent_table_has_none() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        size = rng.lognormal(3, 1, 1_000)
        table = pa.table(
            {
                "code": rng.integers(0, 900, 1_000).astype(str),  # nearly every row alone with its value
                "rare": np.where(rng.random(1_000) < 0.004, "yes", "no"),
                "flag": rng.choice(["a", "b"], 1_000),
                "count": rng.poisson(3, 1_000),
                "other": rng.poisson(300, 1_000),  # always larger than count, and never close
                "amount": np.round(rng.gamma(2, 50, 1_000), 2),
                "cost": np.round(size * rng.lognormal(0, 0.3, 1_000), 2),
                "worth": np.round(
                    size * rng.lognormal(2, 0.3, 1_000), 2
                ),  # larger, of the same size, not bounded by it
            }
        )
        assert find_relations(table, detect(table, {"code": "category"})).relations == []


def test_a_table_survives_reduce_and_restore(relations: Relations) -> None:
    reduced = relations.reduce(TABLE)
    gone = {"country", "years", "fahrenheit", "area", "total", "people"}
    assert set(reduced.column_names) == set(TABLE.column_names) - gone
    hours = [
        None if e is None else (e - s).total_seconds() / 3600
        for s, e in zip(TABLE["start"].to_pylist(), TABLE["end"].to_pylist(), strict=True)
    ]
    assert reduced["end"].to_pylist() == hours
    restored = relations.restore(reduced)
    assert restored.schema.equals(TABLE.schema)
    assert rows_of(restored) == rows_of(TABLE)
    half = relations.restore(reduced.slice(700))
    assert rows_of(half) == rows_of(TABLE.slice(700))


def test_whatever_the_generator_makes_the_relations_hold(relations: Relations) -> None:
    codec = Quantile().fit(TABLE, SCHEMA, relations)
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 2, (4_000, codec.layout.scalars)).astype(np.float32)
    codes = np.stack([rng.integers(0, size, 4_000) for size in codec.layout.cardinalities], 1).astype(np.int32)
    table = codec.decode(Encoded(scores, codes))
    assert table.schema.equals(TABLE.schema)
    assert all(obeys(row) for row in rows_of(table))
    assert set(relations.check(table).values()) == {1.0}
    assert 0 < table["end"].null_count < 4_000
    for name in ("end", "list price"):
        low, high = (f(TABLE[name].drop_null().to_pylist()) for f in (min, max))
        inside = [
            v is None or low <= v <= max(high, row)
            for v, row in zip(
                table[name].to_pylist(), table[{"end": "start", "list price": "net"}[name]].to_pylist(), strict=True
            )
        ]
        assert all(inside)


def test_check_counts_the_rows_that_fail(relations: Relations) -> None:
    rng = np.random.default_rng(2)
    order = rng.permutation(ROWS)
    broken = TABLE.set_column(TABLE.column_names.index("country"), "country", TABLE["country"].take(pa.array(order)))
    expected = np.mean(
        [CITIES[c] == k for c, k in zip(broken["city"].to_pylist(), broken["country"].to_pylist(), strict=True)]
    )
    shares = relations.check(broken)
    assert shares.pop("city -> country") == pytest.approx(expected)
    assert set(shares.values()) == {1.0}


def test_json_gives_the_same_relations(relations: Relations, tmp_path: Path) -> None:
    again = Relations.from_json(json.dumps(json.loads(relations.to_json())))
    assert again == relations
    reduced = relations.reduce(TABLE)
    assert again.restore(reduced).equals(relations.restore(reduced))
    codec = Quantile().fit(TABLE, SCHEMA, relations)
    codec.save(tmp_path / "codec.npz")
    loaded = FittedCodec.load(tmp_path / "codec.npz", SCHEMA)
    encoded = codec.encode(TABLE)
    assert loaded.relations == relations
    assert loaded.layout == codec.layout
    assert loaded.decode(encoded).equals(codec.decode(encoded))


def test_the_schema_file_lists_them(relations: Relations, tmp_path: Path) -> None:
    schema = Schema(SCHEMA.columns, relations.summary())
    schema.write(tmp_path / "schema.json")
    stored = json.loads((tmp_path / "schema.json").read_text())["relations"]
    assert {row["text"] for row in stored} == {relation.text for relation in relations.relations}
    assert all(row["support"]["rows"] > 1_000 for row in stored)
    assert Schema.read(tmp_path / "schema.json") == schema


def test_a_codec_says_from_what_a_column_follows(relations: Relations) -> None:
    codec = Quantile().fit(TABLE, SCHEMA, relations)
    with pytest.raises(UserError, match="'country' is not learned \\(it follows from city: city -> country\\)"):
        codec["country"]


def test_off_means_off() -> None:
    nothing = find_relations(TABLE, SCHEMA, [])
    assert nothing.relations == []
    assert not nothing.exclusions
    assert nothing.reduce(TABLE).equals(TABLE)
    assert nothing.restore(TABLE) is TABLE


@pytest.mark.parametrize(
    ("denied", "gone"),
    [
        ("not city -> country", {"city -> country"}),
        ("not country -> city", {"city -> country"}),
        ("not functional", {"city -> country", "level -> years"}),
        ("not order", {"start <= end", "net <= `list price`"}),
        ("not net <= `list price`", {"net <= `list price`"}),
        ("not total = gross + tax - rebate", {"total = gross + tax - rebate"}),
        ("not sum", {"total = gross + tax - rebate", "people = adults + children"}),
        ("not formula", {"fahrenheit = 1.8 * celsius + 32", "area = side ^ 2"}),
    ],
)
def test_not_switches_a_found_one_off(denied: str, gone: set[str], relations: Relations) -> None:
    left = {relation.text for relation in find_relations(TABLE, SCHEMA, ["auto", denied]).relations}
    assert gone & left == set()
    every = {relation.text for relation in relations.relations}
    more = {"not sum": {"adults <= people"}, "not formula": {"side -> area", "celsius <= fahrenheit"}}
    assert left - more.get(denied, set()) == every - gone


def test_exclusions_can_be_switched_off() -> None:
    text = "if word == 'x' then level != 'school'"
    off = find_relations(TABLE, SCHEMA, ["auto", f"not {text}"]).switched_off
    assert [relation.text for relation in off] == [text]
    assert find_relations(TABLE, SCHEMA).exclusions
    assert not find_relations(TABLE, SCHEMA, ["auto", "not exclusion"]).exclusions


def test_a_condition_stays_as_it_is() -> None:
    names = {r.text for r in find_relations(TABLE, SCHEMA, ["auto"], ["country", "list price", "side"]).relations}
    assert names == FOUND - {"city -> country", "net <= `list price`"}
    with pytest.raises(UserError, match=r"condition\.columns names 'country', which is rebuilt from city"):
        find_relations(TABLE, SCHEMA, ["city -> country"], ["country"])
    table = TABLE.append_column("many", pa.array(np.array(TABLE["adults"]) > 2))
    with pytest.raises(UserError, match=r"condition\.columns names 'adults', whose unseen values it would move"):
        find_relations(table, detect(table), ["adults -> many"], ["adults"])


def test_declared_ones_come_first() -> None:
    found = find_relations(TABLE, SCHEMA, ["auto", "adults = people - children"])
    assert "adults" in found.dropped
    assert "people" not in found.dropped
    assert found.check(TABLE)["adults = people - children"] == 1.0


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "word -> level",
            r"'word -> level' does not hold in [\d,]+ of 1,500 training rows; the first is row \d+: word = ",
        ),
        ("end <= start", r"'end <= start': in \d+ rows 'end' is missing and 'start' is not"),
        ("`list price` <= net", r"does not hold in 1,499 of 1,500 training rows; the first is row 0: `list price` = "),
        ("total = gross + tax", r"does not hold in [\d,]+ of 1,500 training rows"),
        ("area = side", r"does not hold in [\d,]+ of 1,500 training rows; the first is row "),
        ("ctiy -> country", "column 'ctiy' is not in the table; learned are .* Did you mean 'city'?"),
        ("total = gross-tax", "column 'gross-tax' is not in the table; .* Minus needs spaces around it"),
        ("noise -> word", "column 'noise' is numeric; needed is category or boolean or integer or datetime"),
        ("word <= level", "column 'word' is category; needed is integer or numeric or datetime"),
        ("start <= net", r"timestamp\[us\] and double cannot be compared"),
        ("if word == 'w' then level == 'school'", "column 'word' is never 'w'; it has .*'x'"),
        ("if word == 3 then level == 'school'", "column 'word' is string, 3 is not"),
        ("not order", "nothing is sought without 'auto'"),
    ],
)
def test_a_declared_one_that_does_not_hold_is_refused(entry: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        find_relations(TABLE, SCHEMA, [entry])


def test_declared_ones_must_fit_together() -> None:
    with pytest.raises(UserError, match="'people' is rebuilt already by 'people = adults \\+ children'"):
        find_relations(TABLE, SCHEMA, ["people = adults + children", "adults <= people"])
    with pytest.raises(UserError, match="'adults' would be rebuilt from itself"):
        find_relations(TABLE, SCHEMA, ["people = adults + children", "adults = people - children"])


def test_a_chain_is_rebuilt_in_order() -> None:
    rng = np.random.default_rng(3)
    a = rng.gamma(2, 50, 2_000).round(2)
    b = (a + rng.gamma(1, 20, 2_000)).round(2)
    c = (b + rng.gamma(1, 20, 2_000)).round(2)
    table = pa.table({"c": c, "b": b, "a": a, "d": (2 * c).round(2)})
    relations = find_relations(table, detect(table))
    assert {relation.text for relation in relations.relations} == {"a <= b", "b <= c", "d = 2 * c"}
    reduced = relations.reduce(table)
    np.testing.assert_allclose(reduced["c"].to_numpy(), c - b, atol=1e-9)
    shuffled = pa.table({name: reduced[name].take(pa.array(rng.permutation(2_000))) for name in reduced.column_names})
    made = relations.restore(shuffled)
    values = {name: made[name].to_numpy() for name in "abcd"}
    assert (values["a"] <= values["b"]).all()
    assert (values["b"] <= values["c"]).all()
    np.testing.assert_array_equal(values["d"], np.round(2 * values["c"], 2))


def test_a_number_that_determines_is_moved_to_a_seen_value() -> None:
    ages = np.array([20, 30, 60, 61] * 50)
    table = pa.table({"age": ages, "group": np.where(ages < 50, "young", "old"), "x": np.arange(200) % 7})
    relations = find_relations(table, detect(table, {"x": "integer"}), ["age -> group"])
    made = relations.restore(pa.table({"age": [19, 24, 26, 58, 100], "x": [0] * 5}))
    assert made.to_pydict()["age"] == [20, 20, 30, 60, 61]
    assert made.to_pydict()["group"] == ["young", "young", "young", "old", "old"]
    assert relations.check(pa.table({"age": [20, 60, 45], "group": ["old", "old", "old"]}))[
        "age -> group"
    ] == pytest.approx(2 / 3)


def test_dates_and_decimals_are_looked_up() -> None:
    days = [date(2021, 1, 1) + timedelta(days=k % 30) for k in range(300)]
    price = [Decimal("1.50") if day.weekday() < 5 else Decimal("2.25") for day in days]
    table = pa.table(
        {"day": days, "price": pa.array(price, pa.decimal128(6, 2)), "x": np.random.default_rng(0).random(300)}
    )
    relations = find_relations(table, detect(table, {"price": "category"}))
    assert [relation.text for relation in relations.relations] == ["day -> price"]
    again = Relations.from_json(relations.to_json())
    assert again.restore(relations.reduce(table)).equals(table)
    late = again.restore(pa.table({"day": [date(2031, 5, 5)], "x": [0.0]}))
    assert late["day"].to_pylist() == [date(2021, 1, 30)]
    assert late["price"].to_pylist() == [Decimal("2.25")]


def test_missing_lower_ones_forbid_the_difference() -> None:
    table = pa.table({"low": pa.array([1.5, None, 2.5, 4.0]), "high": [2.0, 3.0, 4.5, 5.0], "x": [1, 2, 3, 5]})
    with pytest.raises(UserError, match="in 1 rows 'low' is missing and 'high' is not"):
        find_relations(table, detect(table), ["low <= high"])
    other = pa.table({"low": [1.5, 2.0, 2.5, 4.0], "high": pa.array([2.0, None, 4.5, 5.0]), "x": [1, 2, 3, 5]})
    relations = find_relations(other, detect(other), ["low <= high"])
    made = relations.restore(
        pa.table({"low": pa.array([None, 3.0, 9.0]), "high": pa.array([1.0, None, 1.0]), "x": [1, 1, 1]})
    )
    assert made["high"].to_pylist() == [None, None, 9.0]


def test_halves_are_rounded_as_in_the_training_rows() -> None:
    source = np.arange(1, 401)
    for target in (np.floor(source / 2 + 0.5), np.ceil(source / 2 - 0.5), np.round(source / 2)):
        table = pa.table({"a": np.tile(source, 2), "b": np.tile(target, 2)})
        relations = find_relations(table, detect(table))
        assert [relation.text for relation in relations.relations] == ["b = 0.5 * a"]
        np.testing.assert_array_equal(relations.restore(relations.reduce(table))["b"].to_numpy(), np.tile(target, 2))


def test_a_square_in_32_bits_is_a_square() -> None:
    value = np.random.default_rng(0).gamma(3, 10, 500).round(3)
    table = pa.table(
        {"inc": value, "incsq": (value.astype(np.float32) ** 2).astype(np.float64), "x": np.arange(500) % 9}
    )
    relations = find_relations(table, detect(table))
    assert [relation.text for relation in relations.relations] == ["incsq = inc ^ 2"]
    np.testing.assert_allclose(relations.restore(relations.reduce(table))["incsq"].to_numpy(), value**2, rtol=1e-12)


def test_a_sum_that_its_type_cannot_hold_is_refused() -> None:
    a = np.array([100, 0, 20, 7] * 20, np.int8)
    b = np.array([0, 101, 6, 2] * 20, np.int8)
    table = pa.table({"a": a, "b": b, "t": a + b})
    with pytest.raises(UserError, match="the sum of generated parts can be from 0 to 201, which int8"):
        find_relations(table, detect(table), ["t = a + b"])


def test_repair_mends_what_can_be_mended() -> None:
    table = pa.table({"a": [3, 1, None], "b": [2, 5, 4], "t": [9, 9, 9], "s": [1.0, 1.0, 1.0]})
    assert parse_relation("a <= b").repair(table)["b"].to_pylist() == [3, 5, 4]
    assert parse_relation("t = a + b").repair(table)["t"].to_pylist() == [5, 6, 9]
    assert parse_relation("s = 0.5 * b + 1").repair(table)["s"].to_pylist() == [2.0, 3.5, 3.0]
    assert parse_relation("s = b ^ 2").repair(table)["s"].to_pylist() == [4.0, 25.0, 16.0]
    rule = parse_relation("if b == 2 then a in (1, 2)")
    assert rule.repair(table) is table
    assert rule.holds(table).tolist() == [False, True, True]
    for text in ("a <= b", "t = a + b", "s = 0.5 * b + 1", "s = b ^ 2"):
        relation = parse_relation(text)
        assert not relation.holds(table).all()
        assert relation.holds(relation.repair(table)).all()


def test_a_value_that_the_other_type_cannot_hold_is_one_error() -> None:
    table = pa.table({"low": pa.array([300, 1], pa.int16()), "high": pa.array([5, 6], pa.int8())})
    with pytest.raises(UserError, match="'low <= high': a value of 'low' is none of 'high'"):
        parse_relation("low <= high").repair(table)
