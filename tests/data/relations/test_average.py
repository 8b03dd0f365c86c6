"""Totals learned as averages: what the model sees, and that generated rows have totals that fit their counts."""

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect
from gans.data.relations import Relations, find_relations, parse_relation
from gans.data.relations.average import Average, that_fit
from gans.errors import UserError

RNG = np.random.default_rng(0)
ORDERS = RNG.poisson(3, 2_000)
SPENT = np.round(ORDERS * RNG.gamma(4, 5, 2_000), 2)
PIECES = ORDERS * RNG.integers(1, 5, 2_000)
TABLE = pa.table({"orders": ORDERS, "spent": SPENT, "pieces": PIECES})
SCHEMA = detect(TABLE)


def learned(*texts: str, table: pa.Table = TABLE) -> Relations:
    return find_relations(table, detect(table), texts)


def test_the_model_sees_averages_and_rows_get_totals() -> None:
    found = learned("spent / orders", "pieces / orders")
    assert [one.text for one in found.relations] == ["spent / orders", "pieces / orders"]
    seen = found.reduce(TABLE)
    expected = np.divide(SPENT, ORDERS, out=np.zeros(len(SPENT)), where=ORDERS > 0)
    np.testing.assert_allclose(seen["spent"].to_numpy(), expected)
    again = found.restore(seen)
    assert again.column_names == TABLE.column_names
    for name in TABLE.column_names:
        assert again[name].type == TABLE[name].type
        np.testing.assert_allclose(again[name].to_numpy(), TABLE[name].to_numpy(), atol=1e-9)
    assert found.reduce_schema(SCHEMA)["pieces"].kind == "numeric"
    assert Relations.from_json(found.to_json()) == found


def test_a_codec_keeps_totals_to_their_decimals_their_range_and_their_counts() -> None:
    codec = Quantile().fit(TABLE, SCHEMA, learned("spent / orders", "pieces / orders"))
    rows = codec.encode(TABLE, 0)
    rng = np.random.default_rng(1)
    mixed = type(rows)(*(rng.permuted(part, axis=0) for part in rows))
    made = codec.decode(mixed).to_pandas()
    assert (made["spent"] == made["spent"].round(2)).all()
    assert made["spent"].between(SPENT.min(), SPENT.max()).all()
    assert (made.loc[made["orders"] == 0, ["spent", "pieces"]] == 0).all(axis=None)
    assert made["pieces"].dtype == np.int64


def test_missing_stays_missing() -> None:
    there = pa.array(RNG.random(2_000) < 0.9)
    table = pa.table(
        {name: pa.array(TABLE[name].to_numpy(), mask=~there.to_numpy(False)) for name in ("orders", "spent")}
    )
    found = learned("spent / orders", table=table)
    assert found.restore(found.reduce(table))["spent"].null_count == table["spent"].null_count > 0


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"n": [1, 2, 3, 4, 5, 6] * 9, "t": [2, 4, 6, 8, 10, 12] * 9}, "the average is the same in every row"),
        ({"n": [1, 2, 3, 0] * 9, "t": [2.5, 4.5, 6.0, 8.0] * 9}, "does not hold in 9 of 36 training rows"),
        ({"n": [1, 2, 3, -4] * 9, "t": [2.5, 4.5, 6.0, 8.0] * 9}, "does not hold in 9 of 36 training rows"),
        ({"n": [1.5, 2.5, 3.0, 4.0] * 9, "t": [2.5, 4.5, 6.0, 8.0] * 9}, "column 'n' is numeric; needed is integer"),
        ({"n": [1, 2, 3, None] * 9, "t": [2.5, 4.5, 6.0, 8.0] * 9}, "not missing in the same rows"),
    ],
)
def test_what_is_no_total_of_a_count(table: dict[str, list[float]], said: str) -> None:
    of = pa.table(table)
    with pytest.raises(UserError, match=said):
        parse_relation("t / n").fit(of, detect(of))
    assert that_fit([Average(total="t", count="n")], of, detect(of)) == []
