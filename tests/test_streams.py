"""Random streams: neighbouring seeds, members, parts and attempts share no number."""

from itertools import combinations, product
from typing import Any

import jax
import numpy as np
import pytest

from gans.config.compose import compose
from gans.runs.prepare import prepare
from gans.streams import derived_seed, host_stream, per_example, stream, streams, uniform

ROWS = 4_000
FAR = 4.5 / np.sqrt(ROWS)  # a correlation of independent numbers lies below, but for one pair in 150,000


def assert_independent(streams: dict[Any, np.ndarray], chance: int = 0) -> None:
    """No two streams have more numbers in common than by chance, nor are they correlated, also moved by a row."""
    for (left, there), (right, here) in combinations(streams.items(), 2):
        assert np.intersect1d(there, here).size <= chance, (left, right)
        for moved in (there, np.roll(there, 1), np.roll(there, -1)):
            assert abs(np.corrcoef(moved, here)[0, 1]) < FAR, (left, right)


def test_host_streams_of_neighbours_are_independent() -> None:
    names, seeds, numbers = ("condition", "code"), (0, 1, 2), ((), (0,), (1,), (0, 0), (0, 1), (1, 0))
    places = list(product(names, seeds, numbers))
    assert_independent({place: uniform(place[0], place[1], place[2], 0, ROWS) for place in places})
    assert_independent({place: host_stream(place[0], place[1], *place[2]).random(ROWS) for place in places})
    seeds = [derived_seed(name, seed, *more) for name, seed, more in places]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_part_of_a_host_stream_is_that_part_and_not_its_beginning() -> None:
    whole = uniform("condition", 3, (0,), 0, 2 * ROWS)
    np.testing.assert_array_equal(uniform("condition", 3, (0,), ROWS + 1, ROWS - 1), whole[ROWS + 1 :])
    assert_independent({"first": whole[:ROWS], "second": whole[ROWS:]})


def test_device_streams_of_neighbours_are_independent() -> None:
    places = list(product((0, 1), (0, 1), ("sample", "latent"), (0, 1)))  # seed, step or attempt, name, part
    assert_independent(
        {
            place: np.asarray(jax.vmap(jax.random.normal)(per_example(stream(*place), ROWS)), np.float64)  # pyright: ignore[reportArgumentType]
            for place in places
        },
        chance=20,  # of 4,000 numbers of 24 bits about one is that of another stream
    )


@pytest.mark.parametrize(
    "overrides",
    [
        ("condition=labels", "condition.columns=[age,family_size]"),
        ("condition=training_by_sampling", "condition.numbers=true"),
        ("condition=codes", "condition.continuous=2", "network.discriminator_conditioning=none"),
    ],
    ids=lambda overrides: overrides[0],
)
def test_conditions_of_neighbouring_seeds_and_attempts_are_independent(overrides: tuple[str, ...]) -> None:
    """What `seed + attempt` was not: attempt 1 of seed 0 drew the conditions of attempt 0 of seed 1."""
    condition = prepare(compose([*overrides, "data.limit=2000"])).condition
    drawn = {
        (seed, attempt, start): condition.draw(ROWS, seed, None, start, attempt)
        for seed, attempt, start in product((0, 1), (0, 1, 2), (0, ROWS))
    }
    shares = []
    for (left, there), (right, here) in combinations(drawn.items(), 2):
        same = (there == here).all(axis=1)
        shares.append(same.mean())
        assert not same.all(), (left, right)
    usual, spread = np.mean(shares), np.sqrt(np.mean(shares) * (1 - np.mean(shares)) / ROWS)
    assert max(shares) < usual + 5 * spread + 1e-9  # two draws agree as often as any two do, by chance
    np.testing.assert_array_equal(condition.draw(ROWS, 1, None, ROWS, 2), drawn[1, 2, ROWS])


def test_streams_drawn_together_are_those_drawn_alone() -> None:
    seed, step, names = np.uint32(3), np.int32(7), ["rows", "condition", "penalty r1"]
    together = jax.random.key_data(streams(seed, step, names, 2))
    alone = [jax.random.key_data(stream(seed, step, name, 2)) for name in names]
    np.testing.assert_array_equal(together, np.stack(alone))
