"""Raking: what is chosen from a pool of candidates has the real margins, recounted from the decoded tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs import FittedCodec
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.refinement.raking import Raking, Sweeps, _fit, beyond_chance, rake

CANDIDATES, GROUPS, PAIRS, BINS = 8, 8_000, 400, 50
REAL = np.array([[0.28, 0.14, 0.08], [0.08, 0.14, 0.28]])
MADE = np.array([[0.20, 0.20, 0.20], [0.14, 0.13, 0.13]])


def to_table(shares: np.ndarray, rows: int, slope: float, missing: float, seed: int) -> pa.Table:
    """Pairs by their shares, and an amount that goes up with the second and is missing by itself."""
    rng = np.random.default_rng(seed)
    one, two = np.divmod(rng.choice(shares.size, rows, p=shares.ravel()), 3)
    amount = np.round(slope * two + rng.normal(size=rows), 3)
    names = {"one": np.array(["a", "b"])[one], "two": np.array(["p", "q", "r"])[two]}
    return normalise(pa.table(names | {"amount": pa.array(amount, mask=rng.random(rows) < missing)}))


REAL_TABLE = to_table(REAL, 20_000, 0.6, 0.1, 0)
EDGES = np.quantile(REAL_TABLE["amount"].drop_null().to_numpy(), np.arange(1, 10) / 10)


def bins(table: pa.Table) -> list[np.ndarray]:
    """The cell of each row by column: levels, and tenths of the real amounts or missing."""
    amount = table["amount"].to_numpy()
    tenth = np.where(np.isnan(amount), 10, np.searchsorted(EDGES, amount, side="right"))
    one, two = (np.unique(table[name].to_numpy(), return_inverse=True)[1] for name in ("one", "two"))
    return [one, two, tenth]


def margins(table: pa.Table, weights: np.ndarray | None = None) -> list[np.ndarray]:
    """Shares of the cells of single columns and of pairs."""
    one, two, tenth = bins(table)
    cells = [(one, 2), (two, 3), (tenth, 11), (one * 3 + two, 6), (one * 11 + tenth, 22), (two * 11 + tenth, 33)]
    return [
        np.bincount(cell, weights, count) / (len(one) if weights is None else weights.sum()) for cell, count in cells
    ]


def distance(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def toy() -> tuple[FittedCodec, Encoded, Raking]:
    """The raking, fitted beside weights that make one of the margins worse still."""
    codec = Quantile().fit(REAL_TABLE, detect(REAL_TABLE, {}))
    real = codec.encode(REAL_TABLE)
    made = codec.encode(to_table(MADE, CANDIDATES * GROUPS, 0.4, 0.2, 1))
    return codec, real, rake(codec, real, made, weights_of(codec, made), CANDIDATES, PAIRS, BINS)


def weights_of(codec: FittedCodec, rows: Encoded) -> np.ndarray:
    return 0.5 * (rows.codes[:, codec["one"].code] == 0)


def chances(logits: np.ndarray) -> np.ndarray:
    """Of each candidate; none of these weights is so large that a row would come more than once."""
    mass = np.exp(logits)
    out = mass / mass.sum() * (len(logits) // CANDIDATES)
    assert out.max() < 1
    return out


def test_rows_that_are_chosen_have_the_real_margins(toy: Any) -> None:
    """Other rows than it was fitted to, each chosen with its chance."""
    codec, _, raking = toy
    table = to_table(MADE, CANDIDATES * GROUPS, 0.4, 0.2, 2)
    rows = codec.encode(table)
    logits = weights_of(codec, rows) + raking.log_weights(rows)
    chosen = margins(table.filter(pa.array(np.random.default_rng(3).random(len(logits)) < chances(logits))))
    expected = margins(REAL_TABLE)
    for place, (found, real) in enumerate(zip(chosen, expected, strict=True)):
        spread = np.sqrt(np.maximum(real, 1e-3) / GROUPS * 2)  # of what is chosen here, and of the fit
        near = 0.015 * (place > 2)  # pairs, which come after the three columns, go most of the way only
        assert (np.abs(found - real) < 4 * spread + near).all()
    assert distance(margins(table), expected) > 0.15


def chi_square(found: np.ndarray, real: np.ndarray) -> float:
    """Squared distances of shares, each in units of the variance of as many real rows as there are, per cell."""
    return float(((found - real) ** 2 / real).sum() * REAL_TABLE.num_rows / (len(real) - 1))


def test_on_its_own_rows_the_expected_margins_are_real_up_to_what_a_sample_has(toy: Any) -> None:
    """Single columns on the second half, to which they are fitted: a mean square of 1 is what another sample has."""
    codec, _, raking = toy
    table = to_table(MADE, CANDIDATES * GROUPS, 0.4, 0.2, 1).slice(CANDIDATES * GROUPS // 2)
    rows = codec.encode(table)
    plain, expected = weights_of(codec, rows), margins(REAL_TABLE)
    raked, unraked = (
        [chi_square(found, real) for found, real in zip(margins(table, chances(logits)), expected, strict=True)]
        for logits in (plain + raking.log_weights(rows), plain)
    )
    assert max(raked[:3]) < 2.5  # the noise of generated rows comes on top
    assert max(raked[3:]) < 4  # pairs, before the single columns were brought right
    assert min(unraked) > 100


def test_what_chance_explains_is_left() -> None:
    """A table of 20,000 rows against its population, and against one whose cells are a tenth off."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(100, 5.0))
    same = [beyond_chance(rng.multinomial(20_000, shares), 20_000 * shares, 0.0) for _ in range(50)]
    other = shares * np.where(np.arange(100) % 2, 1.1, 0.9)
    moved = beyond_chance(rng.multinomial(20_000, other / other.sum()), 20_000 * shares, 0.0)
    assert np.mean(same) < 0.1
    z2 = 20_000 * 0.1**2  # of the population, and a chance part of one a cell beside it
    assert moved == pytest.approx(z2 / (z2 + 100), abs=0.12)
    assert beyond_chance(np.array([5, 0]), np.array([5.0, 0.0]), 1.0) == 0


def test_where_the_margins_are_right_nothing_is_changed(toy: Any) -> None:
    codec, real, raking = toy
    rows = Encoded(*(part[:6_000] for part in real))
    twice = Encoded(*(np.concatenate([part, part]) for part in rows))  # both halves have the real margins
    still = rake(codec, rows, twice, np.zeros(12_000), CANDIDATES, PAIRS, BINS)
    np.testing.assert_allclose(still.log_weights(real), 0, atol=1e-9)
    assert np.ptp(raking.log_weights(real)) > 1


def test_rows_beyond_the_last_full_group_are_left_out(toy: Any) -> None:
    codec, real, _ = toy
    fits = []
    for count in (640, 640 + CANDIDATES - 1):
        made = codec.encode(to_table(MADE, 700, 0.4, 0.2, 4))
        rows = Encoded(*(part[:count] for part in made))
        fits.append(rake(codec, real, rows, np.zeros(count), CANDIDATES, PAIRS, BINS).log_weights(real))
    np.testing.assert_array_equal(*fits)


def test_arrays_are_read_back(toy: Any, tmp_path: Path) -> None:
    codec, real, raking = toy
    np.savez(tmp_path / "raking.npz", **raking.arrays())
    with np.load(tmp_path / "raking.npz", allow_pickle=False) as data:
        again = Raking.read(codec, data)
    assert again.margins == raking.margins == [(0, 1), (0, 2), (1, 2), (0,), (1,), (2,)]
    assert again.sizes == raking.sizes
    np.testing.assert_array_equal(again.log_weights(real), raking.log_weights(real))
    with pytest.raises(KeyError):
        Raking.read(codec, {})


def test_a_number_that_has_atoms_only_in_the_rows_at_hand() -> None:
    rng = np.random.default_rng(3)
    table = normalise(pa.table({"one": rng.integers(0, 2, 4_000).astype(float), "two": rng.normal(size=4_000)}))
    table = table.set_column(0, "one", pa.array([0.5, 1.5, *table["one"].to_pylist()[2:]]))
    codec = Quantile().fit(table, detect(table, {"one": "numeric"}))
    encoded = codec.encode(table)
    atoms = Encoded(encoded.scalars[2:], encoded.codes[2:])
    raking = rake(codec, atoms, encoded, np.zeros(4_000), CANDIDATES, PAIRS, BINS)
    assert np.isfinite(raking.log_weights(encoded)).all()


@pytest.mark.parametrize("bins", [10, 50])
def test_cells_are_tenths_and_narrow_bins_of_numbers_and_levels_behind_them(bins: int) -> None:
    """Of `first`, which is missing or 0 in many rows, `second` and a category, recounted in numpy."""
    rng = np.random.default_rng(5)
    first = np.where(rng.random(3_000) < 0.3, 0.0, np.round(rng.gamma(2, 10, 3_000) + 1, 3))
    hole, second = rng.random(3_000) < 0.2, np.round(rng.normal(size=3_000), 3)
    word = rng.integers(0, 3, 3_000)
    columns = {"first": pa.array(first, mask=hole), "second": second, "word": np.array(["a", "b", "c"])[word]}
    table = normalise(pa.table(columns))
    codec = Quantile().fit(table, detect(table, {}))
    assert codec["first"].atoms.tolist() == [0]
    rows = codec.encode(table)
    raking = rake(codec, rows, rows, np.zeros(3_000), CANDIDATES, PAIRS, bins)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        ordinary = first[~hole & (first != 0)]
        ranks = np.arange(1, count) / count
        cell = np.searchsorted(np.quantile(ordinary, ranks), first, side="right")
        cell = np.where(hole, count + 1, np.where(first == 0, count, cell))
        return cell, np.searchsorted(np.quantile(second, ranks), second, side="right")

    (tenth, other), (fine, narrow) = part(10), part(bins)
    expected = {
        (0, 1): (tenth * 10 + other, 120),
        (0, 2): (tenth * 3 + word, 36),
        (1, 2): (other * 3 + word, 30),
        (0,): (fine, bins + 2),
        (1,): (narrow, bins),
        (2,): (word, 3),
    }
    assert raking.margins == list(expected)
    bins = raking.bins(rows)
    for (margin, (cell, count)), offsets in zip(expected.items(), raking.offsets, strict=True):
        found, cells = raking.cells(bins, margin)
        assert cells == count == len(offsets)
        np.testing.assert_array_equal(found, cell)
    again = Raking.read(codec, raking.arrays())
    for offsets, read in zip(raking.offsets, again.offsets, strict=True):
        np.testing.assert_array_equal(read, offsets)


def test_pairs_of_more_cells_than_allowed_and_more_pairs_than_allowed_are_left_out() -> None:
    """64 times 64 levels are as many as may be; of a number its tenths count."""
    count = 6_400
    rows = np.arange(count)
    levels = {"a": rows % 64, "b": rows // 64 % 64, "c": rows // 64}
    words = {name: np.char.add("l", level.astype(str)) for name, level in levels.items()}
    table = normalise(pa.table({"number": rows / 7, **words}))
    codec = Quantile().fit(table, detect(table, {}))
    encoded = codec.encode(table)
    *pairs, _, _, _, _ = rake(codec, encoded, encoded, np.zeros(count), CANDIDATES, PAIRS, BINS).margins
    assert pairs == [(0, 1), (0, 2), (0, 3), (1, 2)]
    *some, _, _, _, _ = rake(codec, encoded, encoded, np.zeros(count), CANDIDATES, 2, BINS).margins
    assert len(set(some)) == 2
    assert sorted(some) == some
    assert set(some) < set(pairs)


def test_a_sweep_goes_a_share_of_the_way_to_the_margin() -> None:
    """Of three rows of six; every second row has twice the weight, and so a chance of 2/3. Real rows lie far off."""
    table = normalise(pa.table({"x": ["a"] * 396 + ["b"] * 4}))
    codec = Quantile().fit(table, detect(table, {"x": "category"}))
    made = codec.encode(pa.table({"x": list("ababba")}))
    out = Raking(codec, [], [(np.zeros(0), np.zeros(0))], [(2, 2)], [])
    looks = []
    sweeps = Sweeps(rounds=1, share=0.3)
    _fit(out, [(0,)], codec.encode(table), made, np.log([1, 2, 1, 2, 1, 2.0]), 2, sweeps, lambda: looks.append(1))
    assert looks == [1]
    expected = np.array([1 / 3 + 1 / 3 + 2 / 3, 2 / 3 + 2 / 3 + 1 / 3]) * 400 / 3
    effective = 3**2 / (3 * (1 / 3) ** 2 + 3 * (2 / 3) ** 2)
    z2 = ((np.array([396, 4]) - expected) ** 2 / (expected * (1 + 400 / effective) + 0.5)).sum()
    way = 0.3 * max(0.0, 1 - 1 / z2)
    assert out.margins == [(0,)]
    np.testing.assert_allclose(out.offsets, [way * np.log((np.array([396, 4]) + 2) / (expected + 2))])
    assert way > 0
