"""Columns that are often the same: found where planted, and as often the same in what a generator makes."""

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs.quantile import Quantile
from gans.data.layout import Encoded
from gans.data.relations import Relations, find_relations, parse_relation
from gans.data.relations.sameness import Sameness
from gans.data.schema import detect, normalise
from gans.errors import UserError

ROWS, SHARE = 4_000, 0.2


def planted(seed: int = 0) -> pa.Table:
    """Payments, of which a fifth are the whole bill, and as many days that two dates share."""
    rng = np.random.default_rng(seed)
    bill, own = (np.round(rng.lognormal(6, 1, ROWS), 2) for _ in range(2))
    asked, paid = (rng.integers(0, 4_000, ROWS) for _ in range(2))
    paid = np.where(rng.random(ROWS) < SHARE, asked, paid)
    days = [np.datetime64("2010-01-01", "s") + day.astype("timedelta64[D]") for day in (asked, paid)]
    payment = np.where(rng.random(ROWS) < SHARE, bill, own)
    return normalise(pa.table({"payment": payment, "bill": bill, "asked": days[0], "paid": days[1]}))


TABLE = planted()
SCHEMA = detect(TABLE)


def same(table: pa.Table, first: str, second: str) -> np.ndarray:
    return table[first].to_numpy() == table[second].to_numpy()


@pytest.fixture(scope="module")
def relations() -> Relations:
    return find_relations(TABLE, SCHEMA)


def test_it_is_found_where_it_was_planted(relations: Relations) -> None:
    found = relations.relations
    assert {relation.kind for relation in found} == {"sameness"}
    assert {frozenset(relation.columns) for relation in found} == {
        frozenset(("payment", "bill")),
        frozenset(("asked", "paid")),
    }
    for relation in found:
        share = same(TABLE, *relation.columns).mean()
        assert share == pytest.approx(SHARE, abs=0.02)
        assert relation.support == {"rows": ROWS, "same": round(float(share), 4)}
    assert f"the same in {relations.relations[0].support['same']:.0%} of 4,000 rows" in relations.lines()[0]


def test_the_one_with_more_partners_is_copied() -> None:
    rng = np.random.default_rng(1)
    bill = np.round(rng.lognormal(6, 1, ROWS), 2)
    columns = {"bill": bill}
    for name in ("first", "second"):
        columns[name] = np.where(rng.random(ROWS) < 0.15, bill, np.round(rng.lognormal(6, 1, ROWS), 2))
    for names in (("bill", "first", "second"), ("first", "second", "bill")):
        table = normalise(pa.table({name: columns[name] for name in names}))
        found = find_relations(table, detect(table)).relations
        assert {relation.text for relation in found} == {"first ~ bill", "second ~ bill"}


def test_it_is_not_found_by_chance() -> None:
    """Small whole numbers, numbers with many zeros, and numbers on one short scale are often equal by chance."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        columns = {}
        for side in "ab":
            columns[f"dice {side}"] = rng.integers(1, 7, ROWS)
            columns[f"years {side}"] = rng.integers(0, 150, ROWS)
            columns[f"zeros {side}"] = np.where(rng.random(ROWS) < 0.6, 0.0, np.round(rng.lognormal(6, 1, ROWS), 2))
            columns[f"steps {side}"] = np.round(rng.lognormal(2.5, 0.1, ROWS), 1)
        table = normalise(pa.table(columns))
        assert same(table, "zeros a", "zeros b").mean() > 0.3
        assert [r.text for r in find_relations(table, detect(table)).relations if r.kind == "sameness"] == []


def test_it_is_read_and_written() -> None:
    relation = parse_relation("a ~ `the bill`")
    assert isinstance(relation, Sameness)
    assert (relation.target, relation.source, relation.text) == ("a", "the bill", "a ~ `the bill`")
    with pytest.raises(UserError, match="named twice"):
        parse_relation("a ~ a")


def test_it_can_be_switched_off() -> None:
    assert find_relations(TABLE, SCHEMA, ["auto", "not sameness"]).relations == []
    left = find_relations(TABLE, SCHEMA, ["auto", "not payment ~ bill"]).relations
    assert [set(relation.columns) for relation in left] == [{"asked", "paid"}]


def test_a_target_with_missing_values_is_refused() -> None:
    gone = pa.array(TABLE["payment"].to_pylist(), mask=np.arange(ROWS) % 50 == 0)
    table = TABLE.set_column(0, "payment", gone)
    schema = detect(table)
    assert all("payment" not in relation.columns for relation in find_relations(table, schema).relations)
    with pytest.raises(UserError, match="'payment' has missing values"):
        find_relations(table, schema, ["payment ~ bill"])


def test_a_source_with_missing_values_can_be_declared() -> None:
    gone = pa.array(TABLE["bill"].to_pylist(), mask=np.arange(ROWS) % 50 == 0)
    table = TABLE.set_column(1, "bill", gone)
    relations = find_relations(table, detect(table), ["payment ~ bill"])
    assert relations.restore(relations.reduce(table)).equals(table)


def test_other_types_are_refused() -> None:
    with pytest.raises(UserError, match="are never the same"):
        find_relations(TABLE, SCHEMA, ["payment ~ asked"])


def test_reduced_it_is_missing_and_restored_exactly(relations: Relations) -> None:
    reduced = relations.reduce(TABLE)
    for relation in relations.relations:
        gone = reduced[relation.determined].is_null().to_numpy()
        np.testing.assert_array_equal(gone, same(TABLE, *relation.columns))
        assert relations.reduce_schema(SCHEMA)[relation.determined].missing
    assert relations.restore(reduced).equals(TABLE)
    assert Relations.from_json(relations.to_json()).restore(reduced).equals(TABLE)


def test_a_codec_keeps_every_row(relations: Relations) -> None:
    codec = Quantile().fit(TABLE, SCHEMA, relations)
    assert codec.decode(codec.encode(TABLE)).equals(TABLE)


def test_made_rows_are_as_often_the_same(relations: Relations) -> None:
    """Scores and codes that are drawn column by column: no two columns have anything to do with each other."""
    codec = Quantile().fit(TABLE, SCHEMA, relations)
    encoded, rng = codec.encode(TABLE), np.random.default_rng(2)
    scores, codes = (np.stack([rng.permutation(column) for column in part.T], 1) for part in encoded)
    made = codec.decode(Encoded(scores, codes))
    assert made.schema.equals(TABLE.schema)
    for relation in relations.relations:
        share = same(TABLE, *relation.columns).mean()
        assert same(made, *relation.columns).mean() == pytest.approx(share, abs=0.005)
        assert not made[relation.determined].null_count
