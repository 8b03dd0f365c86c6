import json

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.data.base import Source, Split
from gans.data.detection import detect, normalise
from gans.errors import UserError
from gans.federated.agreement import Description, described, pool
from gans.federated.settings import Federation
from gans.federated.weights import weights_of
from gans.runs.prepare import Prepared, prepare_split
from tests.federated.conftest import customers


def split(table: pa.Table) -> Split:
    whole = normalise(table)
    return Split(whole, whole.slice(0, 20), detect(whole, learns=False))


def agreed(tables: list[pa.Table], federation: Federation) -> Prepared:
    told = [Description.of(f"site-{place}", split(table), federation) for place, table in enumerate(tables)]
    sent = [Description.from_json(json.loads(json.dumps(described(one)))) for one in told]
    run = compose(["+experiment=tabular", "data=sites", "data.relations=[]", "refine=none"])
    return prepare_split(run, pool(sent, federation).split(run.data))


def central(tables: list[pa.Table]) -> Prepared:
    run = compose(["+experiment=tabular", "data=sites", "data.relations=[]", "refine=none"])
    return prepare_split(run, split(pa.concat_tables(tables, promote_options="permissive")))


def test_the_codec_of_exact_sketches_is_that_of_the_pooled_table() -> None:
    tables = [customers(rows, rows) for rows in (150, 250, 400)]
    merged, pooled = agreed(tables, Federation(points=100_000, floor_rows=1)), central(tables)
    assert [(c.name, c.kind, c.bounds, c.levels, c.missing, c.decimals) for c in merged.split.schema.columns] == [
        (c.name, c.kind, c.bounds, c.levels, c.missing, c.decimals) for c in pooled.split.schema.columns
    ]
    for ours, theirs in zip(merged.codec.columns, pooled.codec.columns, strict=True):
        assert (ours.levels, ours.origin, ours.step) == (theirs.levels, theirs.origin, theirs.step)
        for knots, others in zip(ours.knots, theirs.knots, strict=True):
            np.testing.assert_array_equal(knots.values, others.values)
            np.testing.assert_array_equal(knots.low, others.low)
            np.testing.assert_array_equal(knots.high, others.high)
    assert merged.codec.layout == pooled.codec.layout


def test_the_codec_of_sketches_is_within_their_error() -> None:
    from scipy.special import ndtr

    tables = [customers(rows, rows) for rows in (1500, 2500, 4000)]
    federation = Federation(points=200, floor_rows=5)
    merged, pooled = agreed(tables, federation), central(tables)
    values = np.quantile(pa.concat_tables(tables)["spent"].to_numpy(), np.linspace(0, 1, 500))
    ours, theirs = (
        ndtr(ready.codec["spent"].knots[0].encode(values, None).astype(float)) for ready in (merged, pooled)
    )
    most = max(1 / 200 + 2 * 5 / table.num_rows for table in tables)
    assert np.abs(ours - theirs).max() <= 2 * most  # a knot stands in the middle of its rows
    assert np.abs(ours - theirs).max() > 0


def test_a_level_of_few_rows_of_one_site_and_of_many_of_another_is_a_level() -> None:
    tables = [customers(200, 0), customers(200, 1)]
    plan = tables[0]["plan"].to_pylist()
    plan[:2] = ["student"] * 2
    tables[0] = tables[0].set_column(0, "plan", pa.array(plan))
    more = tables[1]["plan"].to_pylist()
    more[:50] = ["student"] * 50
    tables[1] = tables[1].set_column(0, "plan", pa.array(more))
    assert "student" in agreed(tables, Federation()).codec["plan"].levels


def test_a_level_of_too_few_sites_becomes_rare() -> None:
    tables = [customers(200, 0), customers(200, 1, ("free", "basic", "gold", "local"))]
    told = [Description.of(f"site-{place}", split(table), Federation()) for place, table in enumerate(tables)]
    pooled = pool(told, Federation(floor_sites=2))
    assert pooled.rare == {"plan": "other"}
    assert set(pooled.table["plan"].to_pylist()) == {"free", "basic", "gold", "other"}
    assert pooled.table["plan"].to_pylist().count("other") == tables[1]["plan"].to_pylist().count("local")


def test_columns_of_the_pooled_table_are_independent_and_have_all_rows() -> None:
    table = customers(600, 0).append_column("spent twice", customers(600, 0)["spent"])
    told = [Description.of("a", split(table), Federation())]
    pooled = pool(told, Federation()).table
    assert pooled.num_rows == 600
    assert abs(np.corrcoef(pooled["spent"].to_numpy(), pooled["spent twice"].to_numpy())[0, 1]) < 0.15
    assert pooled["age"].null_count == table["age"].null_count


def renamed(table: pa.Table) -> pa.Table:
    return table.rename_columns(["plan", "years", "spent", "member", "since"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (renamed, "column 'age' is in the table of site a, not of site b"),
        (lambda table: table.append_column("more", table["age"]), "column 'more' is in the table of site b, not of"),
        (lambda table: table.drop_columns(["spent"]), "column 'spent' is in the table of site a, not of site b"),
        (
            lambda table: table.set_column(1, "age", table["age"].cast(pa.string())),
            "column 'age': it holds int64 at site a and string at site b",
        ),
    ],
)
def test_a_site_with_other_columns_is_refused_by_name(change: object, message: str) -> None:
    tables = {"a": customers(200, 0), "b": change(customers(200, 1))}  # pyright: ignore[reportCallIssue]
    told = [Description.of(name, split(table), Federation()) for name, table in tables.items()]
    with pytest.raises(UserError, match=message):
        pool(told, Federation())


def test_types_that_hold_each_other_become_the_wider() -> None:
    other = customers(200, 1)
    other = other.set_column(1, "age", other["age"].cast(pa.float64()))
    empty = customers(50, 2)
    empty = empty.set_column(0, "plan", pa.nulls(50))
    assert agreed([customers(200, 0), other, empty], Federation()).split.schema["age"].type == "double"


def test_ids_of_one_site_are_left_out_of_all() -> None:
    tables = [customers(200, 0).append_column("code", pa.array([f"c{n}" for n in range(200)]))]
    tables.append(customers(200, 1).append_column("code", pa.array(["x", "y"] * 100)))
    ready = agreed(tables, Federation())
    assert ready.split.schema["code"].role == "dropped"
    assert "site-0" in ready.split.schema["code"].reason


def test_weights_follow_size_and_distance() -> None:
    told = [
        Description.of(f"s{place}", split(customers(rows, place)), Federation())
        for place, rows in enumerate((100, 300))
    ]
    assert weights_of(told, "uniform") == {"s0": 0.5, "s1": 0.5}
    assert weights_of(told, "size") == pytest.approx({"s0": 0.25, "s1": 0.75})


def test_fed_tgan_gives_a_site_of_one_row_repeated_less_than_its_size() -> None:
    tables = [customers(300, 0), customers(300, 1), customers(300, 2).take(pa.array([0] * 300))]
    told = [Description.of(f"s{place}", split(table), Federation()) for place, table in enumerate(tables)]
    weights = weights_of(told, "fed_tgan")
    assert weights["s2"] < weights["s0"]
    assert weights["s2"] < 1 / 3
    assert sum(weights.values()) == pytest.approx(1)


def test_of_a_source_only_known_columns_are_asked() -> None:
    told = [Description.of("a", split(customers(100, 0)), Federation())]
    source = Source(kinds={"age": "numeric", "gone": "category"})
    assert pool(told, Federation()).split(source).schema["age"].kind == "numeric"
