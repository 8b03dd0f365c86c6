"""Exclusions of a codec, between columns that are looked up, differences, copies, or have missing values."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs import FittedCodec
from gans.data.codecs.exclusions import exclude
from gans.data.codecs.quantile import Quantile
from gans.data.codecs.settle import settle
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.data.relations import find_relations, parse_relation
from gans.errors import UserError

ROWS = 2_000


def fit(table: pa.Table, *entries: str) -> FittedCodec:
    schema = detect(table)
    codec = Quantile().fit(table, schema, find_relations(table, schema, entries))
    return exclude(codec, codec.encode(table))[0]


def shuffled(codec: FittedCodec, table: pa.Table, *names: str) -> Encoded:
    """The rows with some columns in another order."""
    encoded, rng = codec.encode(table), np.random.default_rng(9)
    for name in names:
        order, fitted = rng.permutation(ROWS), codec[name]
        for part, slot in zip(encoded, (fitted.scalar, fitted.code), strict=True):
            if slot >= 0:
                part[:, slot] = part[order, slot]
    return encoded


def broken(codec: FittedCodec, encoded: Encoded, rule: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows that the layout refuses, and decoded rows that break the rule."""
    relation = parse_relation(rule)
    settled = settle(codec, encoded)
    return codec.layout.violated(settled.codes), ~relation.holds(codec.decode(settled))


def cities() -> pa.Table:
    rng = np.random.default_rng(0)
    city = rng.choice(["Ulm", "Bonn", "Lyon", "Nice"], ROWS)
    country = np.where(np.isin(city, ["Ulm", "Bonn"]), "DE", "FR")
    plan = np.where(country == "FR", "basic", rng.choice(["basic", "gold"], ROWS))
    return normalise(pa.table({"city": city, "country": country, "plan": plan}))


def test_a_declared_one_of_a_column_that_is_looked_up() -> None:
    table, rule = cities(), "if country == 'FR' then plan == 'basic'"
    codec = fit(table, "auto", "not exclusion", rule)
    assert codec.relations.relations[0].text == "city -> country"
    refused, wrong = broken(codec, shuffled(codec, table, "plan"), rule)
    assert wrong.sum() > 100
    np.testing.assert_array_equal(refused, wrong)
    assert not codec.layout.violated(codec.encode(table).codes).any()


def test_one_between_a_column_and_what_follows_from_it_needs_no_cell() -> None:
    codec = fit(cities(), "auto", "not exclusion", "if city == 'Ulm' then country == 'DE'")
    assert len(codec.exclusions) == 0


def test_a_declared_one_of_a_difference_is_refused() -> None:
    rng = np.random.default_rng(1)
    cost = rng.integers(0, 50, ROWS)
    plan = rng.choice(["free", "paid"], ROWS)
    fee = np.where(plan == "free", cost, cost + rng.integers(0, 900, ROWS))
    table = normalise(pa.table({"plan": plan, "cost": cost, "fee": fee}))
    with pytest.raises(UserError, match="column 'fee' is rebuilt by 'cost <= fee'"):
        fit(table, "cost <= fee", "if plan == 'paid' then fee != 7")
    codec = fit(table, "auto", "cost <= fee")
    summary = exclude(codec, codec.encode(table))[1]
    texts = [one["text"] for one in summary]
    assert any("`fee - cost`" in text for text in texts)
    assert not any(" fee " in text for text in texts)
    off = fit(table, "auto", "cost <= fee", *(f"not {text}" for text in texts))
    assert (len(codec.exclusions), len(off.exclusions)) == (2, 0)


def test_missing_is_allowed_unless_it_is_named() -> None:
    rng = np.random.default_rng(2)
    p = rng.choice(["yes", "no"], ROWS)
    e = np.where(p == "yes", "yes", rng.choice(["yes", "no"], ROWS))
    table = normalise(pa.table({"p": p, "e": pa.array(e, mask=rng.random(ROWS) < 0.2)}))
    rule = "if p == 'yes' then e == 'yes'"
    codec = fit(table, rule)
    refused, wrong = broken(codec, shuffled(codec, table, "e"), rule)
    assert wrong.any()
    np.testing.assert_array_equal(refused, wrong)


def test_a_copy_holds_them_too() -> None:
    """Unpaid rows have a payment of 0, also where that is the whole bill."""
    rng = np.random.default_rng(3)
    bill = np.where(rng.random(ROWS) < 0.2, 0.0, np.round(rng.lognormal(6, 1, ROWS), 2))
    status = rng.choice(["paid", "unpaid"], ROWS)
    paid = np.where(rng.random(ROWS) < 0.5, bill, np.round(rng.lognormal(6, 1, ROWS), 2))
    table = normalise(pa.table({"status": status, "bill": bill, "payment": np.where(status == "paid", paid, 0.0)}))
    rule = "if status == 'unpaid' then payment == 0"
    codec = fit(table, "payment ~ bill", rule)
    refused, wrong = broken(codec, shuffled(codec, table, "bill"), rule)
    assert wrong.any()
    np.testing.assert_array_equal(refused, wrong)
    assert not broken(codec, codec.encode(table), rule)[0].any()
    rows, ratio = shuffled(codec, table, "bill"), codec["payment / bill"].code
    settled = settle(codec, rows)
    assert (settled.codes[:, ratio] != rows.codes[:, ratio]).any()
    np.testing.assert_array_equal(settled.codes, codec.encode(codec.decode(settled)).codes)


def test_a_given_copy_moves_what_it_is_a_copy_of() -> None:
    rng = np.random.default_rng(4)
    bills = [np.round(rng.lognormal(6, 1, ROWS), 2) for _ in range(3)]
    for place in (1, 2):
        bills[place] = np.where(rng.random(ROWS) < 0.4, bills[place - 1], bills[place])
    table = normalise(pa.table({f"bill {place}": values for place, values in enumerate(bills)}))
    codec = fit(table, "`bill 1` ~ `bill 0`", "`bill 2` ~ `bill 1`")
    encoded = shuffled(codec, table, "bill 0", "bill 1")
    given = np.array([fitted.column.name == "bill 2" for fitted in codec.columns], np.float32)
    settled = settle(codec, encoded, given)
    decoded = codec.decode(settled)
    assert decoded["bill 2"].equals(table["bill 2"])
    same = [
        codec.decode_column(f"bill {place} / bill {place - 1}", encoded).is_valid().to_numpy(False) for place in (1, 2)
    ]
    for place, here in zip((1, 2), same, strict=True):
        pair = (decoded[f"bill {place}"].to_numpy(), decoded[f"bill {place - 1}"].to_numpy())
        assert (pair[0] == pair[1])[here].all()
    free = settle(codec, encoded)
    assert not codec.decode(free)["bill 2"].equals(table["bill 2"])


def test_one_of_an_atom_holds_for_numbers_that_are_rounded_to_it() -> None:
    rng = np.random.default_rng(0)
    bill = np.r_[np.zeros(ROWS // 2, int), rng.permutation(np.r_[-500:0, 1:501])]
    status = np.where(bill == 0, "none", rng.choice(["late", "paid"], ROWS))
    codec = fit(table := normalise(pa.table({"bill": bill, "status": status})), "auto")
    fitted, encoded = codec["bill"], codec.encode(table)
    assert (fitted.atoms + fitted.origin).tolist() == [0]
    assert not codec.layout.violated(settle(codec, encoded).codes).any()
    between = encoded.codes[:, fitted.code] == 0
    ends = codec.encode(normalise(pa.table({"bill": [-1, 1], "status": ["late", "paid"]}))).scalars[:, fitted.scalar]
    encoded.scalars[between, fitted.scalar] = np.linspace(*ends, between.sum())
    settled = settle(codec, encoded)
    assert settled.codes.tolist() == codec.encode(codec.decode(encoded)).codes.tolist()
    zero = codec.decode(encoded)["bill"].to_numpy() == 0
    assert (zero & between).sum() > 20
    np.testing.assert_array_equal(codec.layout.violated(settled.codes), zero & between)
    assert codec.decode(settled).equals(codec.decode(encoded))


def test_what_is_printed_can_be_switched_off_whatever_the_type_of_the_levels() -> None:
    rng = np.random.default_rng(5)
    plan = rng.choice(["free", "paid"], ROWS)
    day = np.where(plan == "free", 0, rng.integers(0, 500, ROWS)).astype("datetime64[D]")
    price = np.where(plan == "free", "0.10", rng.choice(["0.10", "1.15"], ROWS))
    columns = {
        "plan": pa.array(plan.tolist()),
        "day": pa.array(day.tolist(), pa.date32()),
        "price": pa.array([Decimal(value) for value in price], pa.decimal128(5, 2)),
    }
    table = normalise(pa.table(columns))
    schema = detect(table, {"price": "category"})

    def fit_with(*entries: str) -> tuple[FittedCodec, list[str]]:
        codec = Quantile(atom=0.1).fit(table, schema, find_relations(table, schema, ["auto", *entries]))
        codec, summary = exclude(codec, codec.encode(table))
        return codec, [one["text"] for one in summary]

    codec, texts = fit_with()
    assert texts == ["if day == 'other than 1970-01-01' then plan == 'paid'", "if price == 1.15 then plan == 'paid'"]
    assert len(codec.exclusions) == 2
    off, _ = fit_with(*(f"not {text}" for text in texts))
    assert len(off.exclusions) == 0
