"""Categories of very many levels, learned by rank."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import ndtri

from gans.conditions.base import Condition
from gans.conditions.labels import Labels
from gans.conditions.subsets import Subsets
from gans.conditions.training_by_sampling import TrainingBySampling
from gans.data.codecs import Codec, FittedCodec
from gans.data.codecs.modes import Modes
from gans.data.codecs.quantile import Quantile
from gans.data.codecs.ranks import level_positions
from gans.data.codecs.standard import Standard
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.data.schema import Schema
from gans.errors import UserError
from gans.evaluation.fidelity import Reference, name_groups
from gans.sampling.marginals import fit_marginals
from gans.sampling.matching import condition_choices
from gans.sampling.where.plan import make_plan

ROWS, MANY = 4_000, 700
both = pytest.mark.parametrize("codec", [Quantile(), Standard(), Modes()], ids=["quantile", "standard", "modes"])


def shops(seed: int = 0, missing: float = 0.1) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """A table whose column `shop` has 700 levels, two of them frequent; the shop of each row, and each shop's mean."""
    rng = np.random.default_rng(seed)
    shop = np.where(rng.random(ROWS) < 0.3, rng.integers(0, 2, ROWS), rng.integers(0, MANY, ROWS))
    shop[:MANY] = np.arange(MANY)
    mean = rng.normal(size=MANY)
    hole = np.append(np.zeros(MANY, bool), rng.random(ROWS - MANY) < missing)
    columns = {
        "noise": rng.normal(size=ROWS),
        "shop": pa.array([f"s{k:03}" for k in rng.permutation(MANY)], pa.string()).take(pa.array(shop)),
        "spend": mean[shop] + 0.3 * rng.normal(size=ROWS),
        "plan": rng.choice(["a", "b"], ROWS),
    }
    columns["shop"] = pa.array(columns["shop"].to_numpy(zero_copy_only=False), mask=hole)
    return normalise(pa.table(columns)), shop, mean


def fitted_on(table: pa.Table, codec: Codec | None = None, kinds: dict[str, str] | None = None) -> FittedCodec:
    return (codec or Quantile()).fit(table, detect(table, kinds))


@both
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_every_level_comes_back(codec: Codec, missing: float) -> None:
    table, *_ = shops(missing=missing)
    fitted = fitted_on(table, codec)
    for seed in (0, 5, None):
        assert fitted.decode(fitted.encode(table, seed)).equals(table)


@both
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array(np.arange(600) * 3 + 10**15), "category"),
        (pa.array([Decimal(k) / 8 for k in range(600)], pa.decimal128(9, 3)), "category"),
        (pa.array([f"{k}é" for k in range(600)]), "category"),
        (pa.array([None, *(2**63 - k for k in range(1, 600))], pa.int64()), "category"),
    ],
    ids=["whole", "decimal", "text once", "huge"],
)
def test_levels_of_other_types_come_back(codec: Codec, values: pa.Array, kind: str, tmp_path: Path) -> None:
    table = normalise(pa.table({"x": values, "y": np.random.default_rng(0).normal(size=600)}))
    fitted = fitted_on(table, codec, {"x": kind})
    assert fitted.layout.width < 40
    if not isinstance(codec, Modes):
        assert fitted.layout.width == 2 + 2 * (values.null_count > 0)
    assert fitted.decode(fitted.encode(table)).equals(table)
    fitted.save(tmp_path / "codec.npz")
    fitted.schema.write(tmp_path / "schema.json")
    loaded = FittedCodec.load(tmp_path / "codec.npz", Schema.read(tmp_path / "schema.json"))
    assert loaded.decode(fitted.encode(table)).equals(table)


def test_the_wide_row_is_small_and_says_so() -> None:
    table, *_ = shops()
    fitted = fitted_on(table)
    shop = fitted["shop"]
    assert fitted.layout.scalars == 3
    assert fitted.layout.cardinalities == (2, 4)  # plan; ordinary, two frequent shops, missing
    assert (
        shop.line()
        == "shop: 700 levels, learned the 2 most frequent by themselves, the others by their rank among alike levels"
    )
    assert [fitted[name].line() for name in ("noise", "plan")] == ["", ""]
    assert fitted_on(table, Quantile(levels=700)).layout.cardinalities == (2, 701)
    with pytest.raises(UserError, match=r"codec\.levels=1"):
        Quantile(levels=1)


def test_atoms_are_the_levels_of_more_than_one_row_in_256() -> None:
    table, *_ = shops()
    shop = fitted_on(table)["shop"]
    values = np.array(table["shop"].drop_null().to_pylist())
    names, counts = np.unique(values, return_counts=True)
    assert sorted(shop.levels[int(rank)] for rank in shop.atoms) == sorted(names[counts * 256 > len(values)])


def test_a_level_of_just_one_row_in_so_many_is_no_atom() -> None:
    table = normalise(pa.table({"x": list("aaaabbcd"), "y": np.arange(8) / 7}))
    assert len(fitted_on(table, Quantile(levels=2), {"x": "category"})["x"].atoms) == 0
    table = normalise(pa.table({"x": list("aaaaabbcd"), "y": np.arange(9) / 7}))
    x = fitted_on(table, Quantile(levels=2), {"x": "category"})["x"]
    assert [x.levels[int(rank)] for rank in x.atoms] == ["a"]


def test_normal_scores_give_the_levels_their_frequencies() -> None:
    """Also those of one row, which would lose mass to their neighbours if they stood for a point only."""
    rng = np.random.default_rng(1)
    counts = np.where(np.arange(600) % 2, 1, 9)
    values = rng.permutation(np.repeat(np.arange(600), counts)).astype(str)
    table = normalise(pa.table({"x": values, "y": rng.normal(size=len(values))}))
    fitted = fitted_on(table)
    assert len(fitted["x"].atoms) == 0
    scores = np.zeros((300_000, 2), np.float32)
    scores[:, fitted["x"].scalar] = ndtri((np.arange(300_000) + 0.5) / 300_000)
    made = fitted.decode(Encoded(scores, np.zeros((300_000, 0), np.int32)))["x"].to_numpy().astype(int)
    np.testing.assert_allclose(np.bincount(made, minlength=600) / 300_000, counts / counts.sum(), atol=2e-5)


def test_alike_levels_lie_side_by_side() -> None:
    table, *_ = shops()
    fitted = fitted_on(table)
    rank = {name: place for place, name in enumerate(fitted["shop"].levels[:-1])}
    frame = table.to_pandas().dropna()
    own = frame.groupby("shop")["spend"].mean()
    order = np.corrcoef([rank[name] for name in own.index], own)[0, 1]
    assert abs(order) > 0.9
    assert list(rank) != sorted(rank)


def test_positions_are_shrunk_means_along_the_direction_in_which_levels_differ() -> None:
    rng = np.random.default_rng(2)
    level = np.repeat(np.arange(200), 5)
    mean = rng.normal(size=200)
    common = rng.normal(size=1_000)  # varies most, but not between levels
    scores = np.stack([3 * common, 3 * common, mean[level] + 0.5 * rng.normal(size=1_000)], 1).astype(np.float32)
    found = level_positions(level, Encoded(scores, rng.integers(0, 3, (1_000, 2)).astype(np.int32)))
    assert abs(np.corrcoef(found, mean)[0, 1]) > 0.9
    codes = (scores[:, 2:] > 0).astype(np.int32)
    by_code = level_positions(level, Encoded(scores[:, :0], codes))
    assert abs(np.corrcoef(by_code, mean)[0, 1]) > 0.6


def test_positions_are_those_of_wide_rows_and_all_pairs() -> None:
    """The top eigenvector of the covariance over pairs of rows of a level, from centred one-hot rows."""
    rng = np.random.default_rng(6)
    counts = rng.integers(1, 12, 60)
    level = rng.permutation(np.repeat(np.arange(60), counts))
    mean, rows = rng.normal(size=60), counts.sum()
    scores = (mean[level] + 0.4 * rng.normal(size=rows))[:, None].astype(np.float32) + 2
    code = np.digitize(mean[level] + 0.4 * rng.normal(size=rows), [0.8, 1.4]).astype(np.int32)
    wide = np.concatenate([scores, np.eye(3)[code]], axis=1)
    wide = wide - wide.mean(axis=0)
    pairs = (level[:, None] == level) & ~np.eye(rows, dtype=bool)
    partner = pairs / np.maximum(pairs.sum(axis=1, keepdims=True), 1)
    row = wide @ np.linalg.eigh(wide.T @ partner @ wide)[1][:, -1]
    between, whole = np.mean(row * (partner @ row)), np.mean(row**2)
    expected = np.array([row[level == k].sum() / (counts[k] + (whole - between) / between) for k in range(60)])
    found = level_positions(level, Encoded(scores, code[:, None]))
    np.testing.assert_allclose(found * np.sign(found @ expected), expected, rtol=1e-4, atol=1e-5)


def test_without_a_difference_levels_are_ordered_by_name() -> None:
    rng = np.random.default_rng(3)
    level = np.repeat(np.arange(500), 2)
    scores = rng.normal(size=(1_000, 2)).astype(np.float32)
    scores[1::2] = -scores[::2]  # rows of a level are as unlike as can be
    assert not level_positions(level, Encoded(scores, np.zeros((1_000, 0), np.int32))).any()
    assert not level_positions(np.arange(1_000), Encoded(scores, np.zeros((1_000, 0), np.int32))).any()
    table = normalise(pa.table({"x": level.astype(str)}))
    assert fitted_on(table, None, {"x": "category"})["x"].levels == sorted(set(level.astype(str)))


def test_a_level_that_was_not_seen_is_named() -> None:
    table, *_ = shops()
    fitted = fitted_on(table)
    other = table.slice(0, 2).set_column(1, "shop", pa.array(["s001", "s999x"]))
    with pytest.raises(UserError, match=r"column 'shop': the value 's999x' was not in the training table"):
        fitted.encode(other)


@both
def test_labels_of_such_a_column_are_bins_of_ranks(codec: Codec) -> None:
    table, *_ = shops()
    fitted = fitted_on(table, codec)
    encoded = fitted.encode(table)
    condition = Labels(columns=["shop"], bins=4).fit(fitted, encoded)
    codes = condition.codes(encoded)[:, 0]
    values = np.array(table["shop"].to_pylist(), object)
    missing = table["shop"].is_null().to_numpy()
    assert np.array_equal(codes == codes.max(), missing)
    for name in set(values[~missing]):  # atoms too: a level is in one bin
        assert len(set(codes[values == name])) == 1
    rank = np.array([fitted["shop"].levels.index(v) for v in values[~missing]])
    order = np.argsort(rank, kind="stable")
    assert np.all(np.diff(codes[~missing][order]) >= 0)
    marginals = fit_marginals(fitted, encoded)
    for row in (0, np.flatnonzero(~missing)[-1], np.flatnonzero(missing)[0]):
        plan = make_plan({"shop": values[row]}, [], marginals)
        choices = condition_choices(condition, plan.allowed, marginals)
        assert np.flatnonzero(choices[0]).tolist() == [codes[row]]
        drawn = condition.draw(50, 0, choices)
        assert set(drawn[:, 0]) == {codes[row]}


def test_atoms_of_a_number_are_in_the_bin_of_their_value() -> None:
    rng = np.random.default_rng(4)
    hours = np.where(rng.random(1_000) < 0.5, 40, rng.integers(1, 100, 1_000))
    hole = rng.random(1_000) < 0.1
    table = normalise(pa.table({"hours": pa.array(hours, mask=hole), "y": rng.normal(size=1_000)}))
    fitted = fitted_on(table)
    encoded = fitted.encode(table)
    condition = Labels(columns=["hours"], bins=4).fit(fitted, encoded)
    there = np.sort(hours[~hole])
    edges = np.unique(np.quantile(there, [0.25, 0.5, 0.75]))
    expected = np.where(hole, len(edges) + 1, np.searchsorted(edges, hours, side="right"))
    assert np.array_equal(condition.codes(encoded)[:, 0], expected)


@pytest.mark.parametrize("levels", [256, 700], ids=["ranks", "one-hot"])
def test_where_allows_the_same_rows_of_ranks_as_of_codes(levels: int) -> None:
    table, *_ = shops()
    fitted = fitted_on(table, Quantile(levels=levels))
    encoded = fitted.encode(table)
    marginals = fit_marginals(fitted, encoded)
    values = table["shop"].to_pylist()
    assert sorted(marginals.values("shop").to_pylist(), key=str) == sorted(set(values), key=str)
    some = sorted({value for value in values if value})[3:6]
    for given, expected in (
        ({"shop": some[0]}, lambda v: v == some[0]),
        ({"shop": some}, lambda v: v in some),
        ("shop is null", lambda v: v is None),
        (f"shop != '{some[1]}'", lambda v: v is not None and v != some[1]),
        ("shop < 's100'", lambda v: v is not None and v < "s100"),
    ):
        plan = make_plan(given, [], marginals)
        allowed, marginal = plan.allowed["shop"], marginals["shop"]
        kept = marginals.values("shop").filter(pa.array(allowed)).to_pylist()
        assert sorted(kept, key=str) == sorted({v for v in values if expected(v)}, key=str)
        assert marginal.counts[allowed].sum() == sum(map(expected, values))
    for absent in ({"shop": "s0O5"}, "shop in ('s001', 's0O5')", "shop != 's0O5'"):
        with pytest.raises(UserError, match=r"where: shop (==|!=) 's0O5' does not occur in the training table"):
            make_plan(absent, [], marginals)
    with pytest.raises(UserError, match=r"Did you mean 's605'"):
        make_plan({"shop": "s0O5"}, [], marginals)


def test_where_reaches_each_of_very_many_levels() -> None:
    names = np.char.add("n", np.arange(20_000).astype(str))
    table = normalise(pa.table({"x": names, "y": np.random.default_rng(0).normal(size=20_000)}))
    fitted = fitted_on(table, None, {"x": "category"})
    marginals = fit_marginals(fitted, fitted.encode(table))
    for name in ("n0", "n7777", "n19999"):
        plan = make_plan({"x": name}, [], marginals)
        assert marginals.values("x").filter(pa.array(plan.allowed["x"])).to_pylist() == [name]


def test_words_of_the_code_name_its_frequent_levels() -> None:
    table, *_ = shops()
    fitted = fitted_on(table)
    names, words = fitted.code_names()
    counts = table["shop"].drop_null().value_counts()
    frequent = {row["values"].as_py() for row in counts if row["counts"].as_py() * 256 > 4_000 - 331}
    other, *alone, missing = words[names.index("shop")]
    assert (other, missing) == ("one of 698 others", None)
    assert set(alone) == frequent


@pytest.mark.parametrize("rule", [Subsets(), Condition(), TrainingBySampling()])
def test_other_conditions_take_it(rule: Condition) -> None:
    table, *_ = shops()
    fitted = fitted_on(table)
    encoded = fitted.encode(table)
    condition = rule.fit(fitted, encoded)
    joined = condition.join(condition.rest(encoded), condition.codes(encoded))
    assert fitted.decode(joined).equals(table)


def large(seed: int, rows: int = 6_000) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"x": np.char.add("c", rng.integers(0, 20_000, rows).astype(str)), "y": rng.choice(["a", "b"], rows)}


def test_tables_of_one_law_are_close_though_their_levels_are_not() -> None:
    first, second = (normalise(pa.table(large(seed))) for seed in (0, 1))
    assert len(set(first["x"].to_pylist()) & set(second["x"].to_pylist())) < 3_000
    reference = Reference(first, detect(first, {"x": "category"}))
    near = reference.compare(second)
    assert near.columns["x"] < 0.06
    assert near.pairs["x", "y"] < 0.08
    assert reference.compare(first).columns["x"] == 0
    collapsed = second.set_column(0, "x", pa.array(["c77"] * 6_000))
    assert reference.compare(collapsed).columns["x"] > 0.9


def test_groups_depend_on_the_text_only() -> None:
    values = pa.chunked_array([["b", None, "a"], ["a", "b"]])
    groups = name_groups(values)
    assert groups[0] == groups[4]
    assert groups[2] == groups[3] == name_groups(pa.chunked_array([["a"]]))[0]
    assert groups[1] == 0
    many = name_groups(pa.chunked_array([[str(k) for k in range(20_000)]]))
    assert np.bincount(many, minlength=32).min() > 500
    assert many.max() == 31
