"""Resampling by a boosted density ratio: rows of a known distribution, drawn in the place of a generator's."""

import dataclasses
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import Any

import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xgboost

from gans.conditions.base import FittedCondition
from gans.conditions.none import Unconditional
from gans.data.codecs import FittedCodec
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.refinement import boosted
from gans.refinement.base import Refinement
from gans.refinement.boosted import Boosted, FittedBoosted
from gans.refinement.pools import inclusion, lost, systematic
from gans.runs.saved import SavedRun
from gans.sampling.chunks import CHUNK, OF_GIVEN, Given, Request, gumbel_max
from gans.sampling.marginals import fit_marginals
from gans.sampling.sampler import Sampler

REFINEMENT = "refinement.npz"

ROWS, CANDIDATES = 4_000, 4
LEVELS = (("a", "b"), ("p", "q", "r"))
REAL = np.array([[0.35, 0.10, 0.05], [0.05, 0.15, 0.30]])  # of the pairs; independent they would be uneven otherwise
MADE = np.array([[0.16, 0.16, 0.18], [0.16, 0.17, 0.17]])
N = CHUNK + 1_001


def draw(shares: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Codes of pairs, [rows]."""
    return rng.choice(shares.size, rows, p=shares.ravel())


def to_table(pairs: np.ndarray, rng: np.random.Generator, missing: float) -> pa.Table:
    first, second = np.divmod(pairs, len(LEVELS[1]))
    visits = pa.array(rng.integers(0, 9, len(pairs)), mask=rng.random(len(pairs)) < missing)
    return normalise(
        pa.table({"one": np.array(LEVELS[0])[first], "two": np.array(LEVELS[1])[second], "visits": visits})
    )


def pairs_of(table: pa.Table) -> np.ndarray:
    """Shares of the pairs, [2, 3]."""
    names = zip(table["one"].to_pylist(), table["two"].to_pylist(), strict=True)
    cells = [LEVELS[0].index(one) * 3 + LEVELS[1].index(two) for one, two in names]
    return np.bincount(cells, minlength=6).reshape(2, 3) / len(cells)


@dataclass
class Toy:
    """Training rows, rows of a generator with wrong pairs and too many missing visits, and what tells them apart."""

    codec: FittedCodec
    real: Encoded
    made: Encoded
    fitted: FittedBoosted


def fit(codec: FittedCodec, real: Encoded, made: Encoded, **options: Any) -> FittedBoosted:
    fitted = Boosted(candidates=CANDIDATES, trees=60, **options).fit(codec, real, made)
    assert isinstance(fitted, FittedBoosted)
    return fitted


@pytest.fixture(scope="module")
def toy() -> Toy:
    rng = np.random.default_rng(0)
    training = to_table(draw(REAL, ROWS, rng), rng, 0.1)
    codec = Quantile().fit(training, detect(training, {}))
    real = codec.encode(training)
    made = codec.encode(to_table(draw(MADE, 3 * ROWS, rng), rng, 0.4))
    return Toy(codec, real, made, fit(codec, real, made))


def test_it_tells_how_far_it_is(toy: Toy) -> None:
    told: list[tuple[str, int, int]] = []
    Boosted(candidates=CANDIDATES, trees=3).fit(toy.codec, toy.real, toy.made, lambda *given: told.append(given))
    trees, margins = ([one for one in told if one[0] == what] for what in ("trees", "margins"))
    assert told == trees + margins
    assert trees == [("trees", number, 3) for number in (1, 2, 3)]
    total = margins[0][2]
    assert [number for _, number, _ in margins] == list(range(1, total + 1))


@dataclass
class KnownGenerator:
    """Makes rows of a known distribution, by their number."""

    codec: FittedCodec
    condition: FittedCondition
    missing: float

    def __call__(self, parameters: Any, request: Request) -> Encoded:
        rng = np.random.default_rng((request.seed, request.start, request.attempt))
        return self.codec.encode(to_table(draw(MADE, CHUNK, rng), rng, self.missing))


@pytest.fixture(scope="module")
def imitation(toy: Toy) -> Sampler:
    return sampler_of(toy, toy.fitted)


def bare(toy: Toy, bound: float = 1e9) -> FittedBoosted:
    """The trees by themselves."""
    return dataclasses.replace(toy.fitted, raking=None, bound=bound)


def test_the_trees_tell_the_ratio_of_the_densities(toy: Toy) -> None:
    """Of each pair and whether visits are missing, which the two sides draw independently; trees that stop early."""
    errors = []
    for pair, gone in product(range(6), (False, True)):
        table = to_table(np.full(400, pair), np.random.default_rng(1), float(gone))
        expected = np.log(REAL.ravel()[pair] / MADE.ravel()[pair]) + np.log(0.1 / 0.4 if gone else 0.9 / 0.6)
        errors.append(abs(bare(toy).log_weights(toy.codec.encode(table)).mean() - expected))
    assert max(errors) < 0.8
    assert np.mean(errors) < 0.3  # with no trees 1.1


def sampler_of(toy: Toy, refinement: FittedBoosted | None, missing: float = 0.4) -> Sampler:
    gan: Any = None
    condition: FittedCondition = Unconditional().fit(toy.codec, toy.real)
    sampler = Sampler(gan, toy.codec, condition, fit_marginals(toy.codec, toy.real), jnp.zeros(1), refinement)
    sampler.generator = KnownGenerator(toy.codec, condition, missing)  # pyright: ignore[reportAttributeAccessIssue]
    return sampler


def test_a_row_is_taken_by_its_weight(toy: Toy) -> None:
    """The shares of the pairs are those of resampling with the weights, which depend on the pair only."""
    rng = np.random.default_rng(2)
    trees = bare(toy)
    table = to_table(np.repeat(np.arange(6), 50), rng, 1.0)
    weights = np.exp(trees.log_weights(toy.codec.encode(table)).reshape(6, 50))
    assert np.ptp(weights, axis=1).max() == 0  # nothing else varies
    found = pairs_of(sampler_of(toy, trees, missing=1.0).sample(4 * CHUNK, 3))
    expected = MADE * weights[:, 0].reshape(2, 3)
    expected /= expected.sum()
    assert (expected / MADE).max() < CANDIDATES  # no row would come more than once
    assert (np.abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / (4 * CHUNK))).all()
    assert np.abs(expected - MADE).max() > 0.1


def test_pairs_and_missing_values_come_near_the_real_ones(toy: Toy, imitation: Sampler) -> None:
    rows, plain = imitation.sample(4 * CHUNK, 1), sampler_of(toy, None).sample(4 * CHUNK, 1)
    assert np.abs(pairs_of(plain) - MADE).max() < 0.02
    assert np.abs(pairs_of(rows) - REAL).max() < 0.04  # before 0.19
    assert plain["visits"].null_count / plain.num_rows == pytest.approx(0.4, abs=0.02)
    assert rows["visits"].null_count / rows.num_rows == pytest.approx(0.1, abs=0.04)


def test_weights_of_the_trees_are_bounded(toy: Toy) -> None:
    free, tight = bare(toy).log_weights(toy.made), bare(toy, 0.5).log_weights(toy.made)
    assert np.abs(free).max() > 0.7
    assert np.abs(tight).max() == 0.5
    np.testing.assert_array_equal(tight, np.clip(free, -0.5, 0.5))


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_strength_is_the_power_of_the_ratio(toy: Toy, tmp_path: Path, strength: float) -> None:
    weaker = fit(toy.codec, toy.real, toy.made, strength=strength)
    expected = strength * toy.fitted.log_weights(toy.made)
    np.testing.assert_allclose(weaker.log_weights(toy.made), expected, atol=1e-12)
    weaker.save(tmp_path / REFINEMENT)
    loaded = Boosted().load(tmp_path / REFINEMENT, toy.codec)
    assert loaded is not None
    np.testing.assert_array_equal(loaded.log_weights(toy.made), weaker.log_weights(toy.made))


def test_a_refinement_without_strength_is_of_an_older_version_and_whole(toy: Toy, tmp_path: Path) -> None:
    toy.fitted.save(tmp_path / REFINEMENT)
    with np.load(tmp_path / REFINEMENT) as data:
        arrays = {name: data[name] for name in data.files if name != "strength"}
    np.savez(tmp_path / REFINEMENT, **arrays)
    loaded = Boosted().load(tmp_path / REFINEMENT, toy.codec)
    assert loaded is not None
    np.testing.assert_array_equal(loaded.log_weights(toy.made), toy.fitted.log_weights(toy.made))


def test_the_same_rows_give_the_same_trees(toy: Toy) -> None:
    again = fit(toy.codec, toy.real, toy.made)
    np.testing.assert_array_equal(again.log_weights(toy.made), toy.fitted.log_weights(toy.made))


def test_saved_and_loaded_it_weighs_the_same(toy: Toy, tmp_path: Path) -> None:
    toy.fitted.save(tmp_path / REFINEMENT)
    assert [path.name for path in tmp_path.iterdir()] == [REFINEMENT]
    visits = toy.codec.columns.index(toy.codec["visits"])
    with np.load(tmp_path / REFINEMENT) as data:
        names = {f"{place}.{kind}" for place in range(3) for kind in ("coarse", "fine")}
        names |= {
            "trees",
            "candidates",
            "strength",
            "margins",
            "sizes",
            "offsets",
            f"{visits}.generated",
            f"{visits}.real",
        }
        assert set(data.files) == names
    loaded = Boosted().load(tmp_path / REFINEMENT, toy.codec)
    assert isinstance(loaded, FittedBoosted)
    assert (loaded.candidates, loaded.strength) == (CANDIDATES, 1)
    np.testing.assert_array_equal(loaded.log_weights(toy.made), toy.fitted.log_weights(toy.made))
    for one, other in zip(loaded.adjust(toy.made, None), toy.fitted.adjust(toy.made, None), strict=True):
        np.testing.assert_array_equal(one, other)
    assert Boosted().load(tmp_path / "nothing", toy.codec) is None


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"not trees", lambda data: data[:100]])
def test_a_damaged_file_is_one_error(toy: Toy, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / REFINEMENT
    toy.fitted.save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=rf"{REFINEMENT}: not a readable refinement") as error:
        Boosted().load(path, toy.codec)
    assert "\n" not in str(error.value)


def test_rows_depend_on_the_seed_and_their_number_only(imitation: Sampler) -> None:
    whole = imitation.sample(N, 1)
    assert whole.equals(imitation.sample(N, 1))
    assert not whole.equals(imitation.sample(N, 2))
    for n in (1, CHUNK - 5, CHUNK + 1):
        assert imitation.sample(n, 1).equals(whole.slice(0, n))
    parts = [imitation.stream(N, 1, None, (), low, high) for low, high in ((0, 900), (900, CHUNK), (CHUNK, N))]
    assert pa.concat_tables([table for part in parts for table in part]).equals(whole)


def test_rows_are_those_of_the_pool_that_systematic_sampling_takes(imitation: Sampler) -> None:
    """Of the candidates of a chunk, by the ratio and one random number."""
    chunks, refinement = imitation.chunks(), imitation.refinement
    assert refinement is not None
    made = [refinement.adjust(chunks.generator(None, Request(5, 0, k)), None) for k in range(CANDIDATES)]
    pool = Encoded(*map(np.concatenate, zip(*made, strict=True)))
    chances = inclusion(refinement.log_weights(pool), CHUNK)
    places = systematic(chances, np.random.default_rng((5, 0, 0, 1)).random())
    for part, of_all in zip(chunks.chosen(Request(5, 0)), pool, strict=True):
        np.testing.assert_array_equal(part, of_all[places])


@pytest.mark.parametrize("rows", [10, 500_000])
def test_how_many_rows_it_needs(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many for each training row, and those for raking."""
    monkeypatch.setattr(boosted, "FRESH", 70)
    assert Boosted(generated=3, candidates=5).needs(rows) == 3 * min(rows, 200_000) + 70
    assert Refinement().needs(rows) == 0


def test_wide_rows_are_fewer_and_ordinary_ones_are_not() -> None:
    """All generated cells together are at most 2^26; at the width of ordinary tables that bounds nothing."""
    assert Boosted().needs(32_561, 30) == Boosted().needs(32_561) == 3 * 32_561 + 480_000
    assert Boosted().needs(300, 400) == 2**26 // 400
    assert Boosted().needs(300, 10**6) == boosted.LEAST_FRESH


def test_weights_do_not_depend_on_how_many_rows_are_looked_at_in_one_go(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = Encoded(*(part[:500] for part in toy.made))
    whole = toy.fitted.log_weights(some)
    monkeypatch.setattr(boosted, "PREDICTED", 7 * len(toy.codec.columns))
    np.testing.assert_array_equal(toy.fitted.log_weights(some), whole)


def test_a_row_with_given_columns_is_one_of_its_own_candidates(imitation: Sampler) -> None:
    """The one of the largest noisy weight; candidates are more than of a pool."""
    chunks, refinement = imitation.chunks(), imitation.refinement
    assert refinement is not None
    given = Given(imitation.codec.empty(CHUNK), np.zeros(3, np.float32))
    made = [chunks.candidates(Request(5, 0, k, given=given)) for k in range(OF_GIVEN)]
    assert OF_GIVEN > CANDIDATES
    weights = np.stack([np.where(chunks.broken(rows), -np.inf, refinement.log_weights(rows)) for rows in made])
    place = gumbel_max(weights, np.random.default_rng((5, 0, 0, 1)), axis=0)
    drawn = chunks.chosen(Request(5, 0, given=given))
    for part, of_all in zip(drawn, zip(*made, strict=True), strict=True):
        np.testing.assert_array_equal(part, np.stack(of_all)[place, np.arange(CHUNK)])


@pytest.mark.parametrize(("scale", "expected"), [(0.0, 2), (0.3, 2), (0.7, 4), (2.0, 16)])
def test_more_candidates_where_weights_are_uneven(scale: float, expected: int) -> None:
    """Of lognormal weights the share above c times the mean is F(s/2 - log(c)/s) - c F(-s/2 - log(c)/s)."""
    weights = np.random.default_rng(0).normal(3, scale, 100_000)
    assert boosted.enough(weights) == expected
    normal = NormalDist().cdf
    for times in (2, 4, 16) if scale else ():
        far = np.log(times) / scale
        share = normal(scale / 2 - far) - times * normal(-scale / 2 - far)
        assert lost(weights, times) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(("fresh", "kept"), [(100 * CANDIDATES, 100 * CANDIDATES), (10**6, 3 * ROWS // 2)])
def test_raking_gets_the_last_rows_but_at_most_half(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, fresh: int, kept: int
) -> None:
    raked = []

    def record(codec: FittedCodec, real: Encoded, generated: Encoded, *rest: Any) -> None:
        raked.append(generated)

    monkeypatch.setattr(boosted, "FRESH", fresh)
    monkeypatch.setattr(boosted, "rake", record)
    fitted = fit(toy.codec, toy.real, toy.made)
    for part, whole in zip(raked[0], fitted.adjust(toy.made, None), strict=True):
        np.testing.assert_array_equal(part, whole[-kept:])
    spoilt = [Encoded(toy.made.scalars, toy.made.codes.copy()) for _ in range(2)]
    place = toy.codec["one"].code
    spoilt[0].codes[-kept:, place] = 0  # rows that no tree sees
    spoilt[1].codes[: -kept // 2, place] = 0
    for other, same in zip(spoilt, (True, False), strict=True):
        weights = fit(toy.codec, toy.real, other).log_weights(toy.made)
        assert np.array_equal(weights, fitted.log_weights(toy.made)) == same


def test_sides_weigh_the_same_every_tenth_row_is_held_and_the_best_trees_are_kept(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, calls = xgboost.train, []

    def record(settings: Any, rows: Any, *rest: Any, **options: Any) -> Any:
        calls.append((settings, rows, options["evals"][0][0], booster := train(settings, rows, *rest, **options)))
        return booster

    monkeypatch.setattr(xgboost, "train", record)
    fitted = Boosted(trees=200).fit(toy.codec, toy.real, toy.made)
    assert isinstance(fitted, FittedBoosted)
    ((settings, rows, held, booster),) = calls
    made = 3 * ROWS // 2  # the other half is for raking
    label, weight = (np.concatenate([side.get_float_info(key) for side in (rows, held)]) for key in ("label", "weight"))
    assert (label.sum(), len(label), held.num_row()) == (ROWS, ROWS + made, (ROWS + made) // 10)
    np.testing.assert_allclose(weight, np.where(label == 1, 1, ROWS / made))
    best = booster.best_iteration
    assert fitted.booster.num_boosted_rounds() == best + 1
    assert booster.num_boosted_rounds() == best + 21 < 200  # patience of 20 trees
    assert (settings["max_depth"], settings["min_child_weight"], settings["learning_rate"]) == (6, 50, 0.3)


@pytest.mark.parametrize(
    ("key", "value"),
    [("candidates", 0), ("trees", 0), ("depth", 0), ("generated", 0), ("learning_rate", 0), ("bound", 0)],
)
def test_values_out_of_range_raise(key: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"refine\.{key}={value}: it must be"):
        Boosted(**{key: value})  # pyright: ignore[reportArgumentType]


def test_a_run_keeps_the_refinement_of_its_best_member(related: Any) -> None:
    saved = SavedRun.open(related.path)
    best, run = saved.sampler(), saved.run
    value = best.refinement
    assert value is not None
    assert value.candidates == 2
    members = [SavedRun.open(related.path).sampler(member) for member in (0, 1)]
    refined = [member.refinement is not None for member in members]
    assert sorted(refined) == [False, True]
    kept = members[refined.index(True)]
    assert kept.sample(50, 1).equals(best.sample(50, 1))
    assert pq.read_table(related.path / "samples.parquet").slice(0, 50).equals(best.sample(50, run.seed))


def test_refine_false_gives_the_rows_without_it(related: Any, command: Callable[..., Any]) -> None:
    given = (f"run={related.path}", "n=60", "seed=1")
    for name in ("true", "false"):
        assert command("sample", *given, f"refine={name}", f"out={name}.parquet").status == 0
    sampler = SavedRun.open(related.path).sampler()
    assert pq.read_table("true.parquet").equals(sampler.sample(60, 1))
    sampler.refinement = None
    assert pq.read_table("false.parquet").equals(sampler.sample(60, 1))
    assert not pq.read_table("true.parquet").equals(pq.read_table("false.parquet"))


def test_a_run_that_goes_on_drops_the_old_refinement(
    related: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after it went on: the trees of an earlier best generator are gone."""
    from gans.runs import execute as pipeline

    shutil.copytree(related.path, tmp_path / "run")
    assert (tmp_path / "run" / "checkpoints" / REFINEMENT).is_file()
    run = SavedRun.open(related.path).run

    class StopError(Exception):
        pass

    def stop(gan: Any, rows: Any, schedule: Any, seed: int, hooks: Any, checkpoints: Any, begin: Any) -> Any:
        hooks.rewind(20)
        raise StopError

    monkeypatch.setattr(pipeline, "train", stop)
    trainer = dataclasses.replace(run.trainer, resume=True)
    with pytest.raises(StopError):
        pipeline.execute(
            dataclasses.replace(run, run_dir=str(tmp_path / "run"), trainer=trainer), related.table, show=False
        )
    assert not (tmp_path / "run" / "checkpoints" / REFINEMENT).exists()
