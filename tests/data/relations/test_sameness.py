"""Columns that are often the same: found where planted, and as often the same in what a generator makes."""

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs.quantile import Quantile
from gans.data.codecs.settle import settle
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.data.relations import Relations, find_relations, parse_relation
from gans.data.relations.sameness import Sameness
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


@pytest.mark.parametrize("column", [0, 1])
def test_either_may_have_missing_values_where_it_is_declared(column: int) -> None:
    name = TABLE.column_names[column]
    gone = pa.array(TABLE[name].to_pylist(), mask=np.arange(ROWS) % 50 == 0)
    table = TABLE.set_column(column, name, gone)
    schema = detect(table)
    assert all(name not in relation.columns for relation in find_relations(table, schema).relations)
    relations = find_relations(table, schema, ["payment ~ bill"])
    assert relations.restore(relations.reduce(table)).equals(table)
    codec = Quantile().fit(table, schema, relations)
    assert codec.decode(codec.encode(table)).equals(table)


def test_other_types_are_refused() -> None:
    with pytest.raises(UserError, match="are never the same"):
        find_relations(TABLE, SCHEMA, ["payment ~ asked"])


def test_the_ratio_is_one_where_they_are_the_same(relations: Relations) -> None:
    reduced = relations.reduce(TABLE)
    for relation in relations.relations:
        ratio = reduced[f"{relation.determined} / {relation.parents[0]}"]
        np.testing.assert_array_equal(ratio.is_valid().to_numpy(), same(TABLE, *relation.columns))
        assert set(ratio.to_pylist()) == {1.0, None}
    moved = reduced
    for relation in relations.relations:
        name = relation.determined
        values = reduced[name].take(pa.array(np.roll(np.arange(ROWS), 1)))
        kept = pa.array(np.where(same(TABLE, *relation.columns), values, reduced[name]), reduced[name].type)
        moved = moved.set_column(moved.column_names.index(name), name, kept)
    for each in (reduced, moved):  # what a column holds where the ratio is 1 does not matter
        assert relations.restore(each).equals(TABLE)
        assert Relations.from_json(relations.to_json()).restore(each).equals(TABLE)


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


def bills(seed: int = 0) -> pa.Table:
    """Bills, of which a fifth are paid in full, a tenth paid and a little more, and a fifth by the least payment."""
    rng = np.random.default_rng(seed)
    bill, own = (np.rint(rng.lognormal(11, 1, ROWS)).astype(int) for _ in range(2))
    way = rng.choice(4, ROWS, p=[0.2, 0.1, 0.2, 0.5])
    more, least = bill * rng.uniform(1.0, 1.03, ROWS), bill * rng.uniform(0.035, 0.037, ROWS)
    payment = np.select([way == 0, way == 1, way == 2], [bill, np.rint(more), np.rint(least)], own).astype(int)
    return normalise(pa.table({"payment": np.where(rng.random(ROWS) < 0.1, 5_000, payment), "bill": bill}))


def shares(table: pa.Table) -> list[float]:
    """Of rows that are the same, a little more, and the least payment."""
    ratio = table["payment"].to_numpy() / table["bill"].to_numpy()
    ratio = np.where(table["payment"].to_numpy() == 5_000, 0, ratio)
    ranges = ((1, 1), (1 + 1e-9, 1.03), (0.035, 0.037))
    return [float(((ratio >= low) & (ratio <= high)).mean()) for low, high in ranges]


def test_narrow_ratios_are_found_and_restored() -> None:
    table = bills()
    relations = find_relations(table, detect(table))
    relation = relations.relations[0]
    assert isinstance(relation, Sameness)
    assert relation.text == "payment ~ bill"
    least, more = relation.bands
    assert least == pytest.approx([0.035, 0.037], rel=0.015)
    assert more == pytest.approx([1.0, 1.03], rel=0.015)
    assert relation.common == [5_000.0]
    assert relation.support["in_bands"] == pytest.approx(0.27, abs=0.02)
    assert "in a narrow ratio in 2" in relations.lines()[0]
    reduced = relations.reduce(table)
    assert reduced.column_names == ["payment", "bill", relation.further_name]
    assert reduced["payment"].equals(table["payment"])
    assert relations.restore(reduced).equals(table)
    assert Relations.from_json(relations.to_json()).restore(reduced).equals(table)


def test_made_rows_are_as_often_in_a_narrow_ratio() -> None:
    table = bills()
    schema = detect(table)
    codec = Quantile().fit(table, schema, find_relations(table, schema))
    assert [fitted.column.name for fitted in codec.columns] == ["payment", "bill", "payment / bill"]
    assert codec.decode(codec.encode(table)).equals(table)
    encoded, bill = codec.encode(table), codec["bill"]
    assert bill.code < 0
    encoded.scalars[:, bill.scalar] = np.random.default_rng(2).permutation(encoded.scalars[:, bill.scalar])
    made = codec.decode(encoded)
    assert made.schema.equals(table.schema)
    np.testing.assert_allclose(shares(made), shares(table), atol=0.015)
    assert max(made["payment"].to_pylist()) <= max(table["payment"].to_pylist())
    settled = settle(codec, encoded)
    assert not codec.decode_column("payment", encoded).equals(made["payment"].combine_chunks())
    apart = np.abs(codec.decode_column("payment", settled).to_numpy() - made["payment"].to_numpy())
    assert (apart <= 10).all()
    again = codec.decode(settled)["payment"].to_numpy()
    assert (np.abs(again - made["payment"].to_numpy()) <= 10).all()
    ratio = codec.encode(codec.decode(settled)).codes[:, codec["payment / bill"].code]
    np.testing.assert_array_equal(settled.codes[:, codec["payment / bill"].code], ratio)


def test_smooth_ratios_and_round_numbers_have_no_band() -> None:
    rng = np.random.default_rng(3)
    bill = np.rint(rng.lognormal(9, 1, ROWS)).astype(int)
    smooth = np.rint(bill * rng.lognormal(0, 0.3, ROWS)).astype(int)
    rounded = rng.choice([1_000, 2_000, 5_000, 10_000], ROWS)
    for other in (smooth, rounded):
        payment = np.where(rng.random(ROWS) < SHARE, bill, other)
        table = normalise(pa.table({"payment": payment, "bill": bill}))
        relations = find_relations(table, detect(table)).relations
        assert [relation.kind for relation in relations] == ["sameness"]
        assert isinstance(relations[0], Sameness)
        assert relations[0].bands == []


def test_a_column_that_has_the_name_of_the_ratio() -> None:
    table = bills()
    table = table.append_column("payment / bill", pa.array(np.random.default_rng(4).normal(size=ROWS)))
    schema = detect(table)
    assert find_relations(table, schema).relations == []
    with pytest.raises(UserError, match="the table has a column 'payment / bill' already"):
        find_relations(table, schema, ["payment ~ bill"])


def test_a_circle_is_cut_where_it_is_weakest() -> None:
    """Three bills: the second copies the first, the third the second, and so the third is sometimes the first."""
    rng = np.random.default_rng(5)
    bills = [np.round(rng.lognormal(6, 1, ROWS), 2) for _ in range(4)]
    for place, share in ((1, 0.3), (2, 0.4), (3, 0.35)):
        bills[place] = np.where(rng.random(ROWS) < share, bills[place - 1], bills[place])
    table = normalise(pa.table({f"bill {place}": values for place, values in enumerate(bills)}))
    found = find_relations(table, detect(table)).relations
    assert {frozenset(relation.columns) for relation in found} == {
        frozenset((f"bill {place - 1}", f"bill {place}")) for place in (1, 2, 3)
    }
    assert len({relation.determined for relation in found}) == 3


def restored(relation: Sameness, table: pa.Table, source: pa.Array, ratio: list[float | None]) -> list[object]:
    """The target where the source is another and the ratio is given."""
    columns = {relation.target: table[relation.target].slice(0, len(source)), relation.source: source}
    return relation.restore(columns | {relation.further_name: pa.array(ratio, pa.float64())}).to_pylist()


def test_a_copy_is_what_the_target_can_hold() -> None:
    rng = np.random.default_rng(6)
    bill = np.round(rng.lognormal(3, 1, ROWS), 2)
    payment = np.where(rng.random(ROWS) < 0.3, np.clip(np.rint(bill), 1, 400), rng.integers(1, 400, ROWS)).astype(float)
    payment[:3] = [7, 8, 9]
    bill = np.where(rng.random(ROWS) < 0.2, payment, bill)
    table = normalise(pa.table({"payment": payment, "bill": bill}))
    relation = Sameness(source="bill", target="payment")
    relation.fit(table, detect(table))
    found = restored(relation, table, pa.array([12.0, 12.5, 401.0]), [1.0, 1.0, 1.0])
    assert found == [12.0, 8.0, 9.0]
    assert restored(relation, table, pa.array([None, 12.0], pa.float64()), [1.0, None]) == [7.0, 8.0]


def test_a_copied_time_keeps_range_and_step() -> None:
    relation = Sameness(source="asked", target="paid")
    relation.fit(TABLE, SCHEMA)
    day = TABLE["asked"][5].as_py()
    times = pa.array([day, day.replace(hour=3), day.replace(year=2050)], TABLE["asked"].type)
    paid = TABLE["paid"].to_pylist()
    assert restored(relation, TABLE, times, [1.0, 1.0, 1.0]) == [day, *paid[1:3]]


def test_a_few_equal_rows_of_a_small_table_are_chance() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        table = normalise(pa.table({f"c{place}": rng.integers(0, 300, 100) for place in range(40)}))
        assert [r.text for r in find_relations(table, detect(table)).relations if r.kind == "sameness"] == []


def test_it_cannot_be_imposed_on_a_draw() -> None:
    with pytest.raises(UserError, match="how often they are the same is learned from a table"):
        parse_relation("payment ~ bill").holds(TABLE)
