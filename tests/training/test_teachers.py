"""Teachers have rows of their own, one row changes one vote by one, and the critic learns what they say."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gans.config.compose import compose
from gans.data.declared import Declared
from gans.data.domain import Domain
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.privacy.ledger import Ledger
from gans.runs.build import build
from gans.training.step import GAN
from gans.training.teachers import Teachers, dealt, generated, noisy_votes, owned, taught, train_with_teachers

COUNT, ROWS = 7, 60


@pytest.fixture(scope="module")
def gan() -> GAN:
    columns = [Declared(name="age", kind="integer", low=0, high=9, bins=2)]
    columns += [Declared(name=name, kind="category", levels=["x", "y", "z"]) for name in "abc"]
    codec = Domain(columns).codec()
    small = [f"network.{key}=8" for key in ("width", "discriminator_width", "latent")]
    small += [
        "network.blocks=0",
        "trainer.batch_size=16",
        "trainer.steps=3",
        "optimizer.discriminator_learning_rate=0.01",
    ]
    run = compose(["+experiment=pate_gan", *small])
    return build(run, run.condition.fit(codec, codec.empty(1)))


def encoded(gan: GAN, rows: int, seed: int = 0) -> Encoded:
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, size, rows) for size in gan.layout.cardinalities]
    scalars = rng.uniform(-1, 1, (rows, gan.layout.scalars)).astype(np.float32)
    return Encoded(scalars, np.stack(codes, axis=1).astype(np.int32))


def test_rows_are_dealt_whole_and_no_row_to_two(gan: GAN) -> None:
    rows = encoded(gan, ROWS)
    own = dealt(rows, COUNT)
    assert own.counts.sum() == ROWS
    got = np.concatenate([own.codes[teacher, :count] for teacher, count in enumerate(own.counts)])
    places = np.concatenate([own.scalars[teacher, :count, 0] for teacher, count in enumerate(own.counts)])
    assert sorted(places) == sorted(rows.scalars[:, 0])  # each row once: scalars tell them apart
    assert np.array_equal(got[np.argsort(places)], rows.codes[np.argsort(rows.scalars[:, 0])])


def test_who_teaches_a_row_does_not_depend_on_the_others() -> None:
    """A chi-squared test over many draws: the owner of the last row is uniform, however many rows there are."""
    for rows in (3, 50):
        some = Encoded(np.arange(rows, dtype=np.float32)[:, None], np.zeros((rows, 1), np.int32))
        counts = np.zeros(4)
        for _ in range(400):
            own = dealt(some, 4)
            counts[[teacher for teacher in range(4) if rows - 1 in own.scalars[teacher, : own.counts[teacher], 0]]] += 1
        if rows == 3:  # padding is 0, which is the first row and not the last
            assert counts.sum() == 400
        assert ((counts - 100) ** 2 / 100).sum() < 25


def voted(gan: GAN, rows: Encoded, owners: np.ndarray, room: int) -> np.ndarray:
    teachers = Teachers(gan, COUNT, steps=5, batch=4)
    state = gan.init(jnp.uint32(0))
    own = owned(rows, owners, COUNT, room)
    key = jax.random.key(9)
    after, _ = jax.jit(teachers.votes)(teachers.init(state.seed), own, state.variables, generated(gan, state, 20), key)
    made = generated(gan, state, 20)
    return np.asarray(
        jax.vmap(lambda parameters: teachers.logits(parameters, made, jax.random.split(key, 20)))(after[0])
    )


def test_one_row_changes_one_teacher(gan: GAN) -> None:
    rows, owners = encoded(gan, ROWS), np.random.default_rng(1).integers(0, COUNT, ROWS)
    before = voted(gan, rows, owners, ROWS + 1)
    less = Encoded(rows.scalars[1:], rows.codes[1:])
    after = voted(gan, less, owners[1:], ROWS + 1)
    changed = [teacher for teacher in range(COUNT) if not np.array_equal(before[teacher], after[teacher])]
    assert changed == [owners[0]]
    votes = [(logits > 0).sum(axis=0) for logits in (before, after)]
    assert np.abs(votes[0] - votes[1]).max() <= 1


def test_teachers_who_share_a_row_are_seen(gan: GAN) -> None:
    """A fault on purpose: rows dealt in equal parts, so that one row less moves others to the next teacher."""
    rows = encoded(gan, ROWS)
    less = Encoded(rows.scalars[1:], rows.codes[1:])
    before, after = (
        voted(gan, some, np.arange(len(some.codes)) * COUNT // len(some.codes), ROWS + 1) for some in (rows, less)
    )
    assert sum(not np.array_equal(before[teacher], after[teacher]) for teacher in range(COUNT)) > 1


def test_votes_are_charged_by_the_root_of_their_number_and_before_they_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = Ledger(1.0, 1e-5)
    noisy = noisy_votes(np.full(16, 5), ledger, 100.0)
    assert noisy.shape == (16,)
    assert ledger.entries[0].sensitivity == 4.0
    assert ledger.spent == pytest.approx(16 / (2 * 100.0**2))
    noise = noisy_votes(np.full(5_000, 5), Ledger(20.0, 1e-5), 100.0) - 5
    assert noise.std() == pytest.approx(100, rel=0.05)
    monkeypatch.setattr("gans.training.teachers.discrete_gaussian", lambda *given: pytest.fail("a look"))
    with pytest.raises(UserError, match="the budget is used up; 'votes of teachers on 16 generated rows'"):
        noisy_votes(np.full(16, 5), ledger, 0.5)


def test_the_critic_learns_the_share_of_votes(gan: GAN) -> None:
    state = gan.init(jnp.uint32(0))
    made = generated(gan, state, 64)
    target = made[:, -1]  # rows of one level are called real by all, others by none
    learn = jax.jit(lambda state: taught(gan, state, made, target))
    for _ in range(300):
        state = learn(state)
    logits = gan.critic(state.discriminator, made, jnp.zeros((64, 0)), jax.random.split(jax.random.key(0), 64))
    assert np.array_equal(np.asarray(logits > 0), np.asarray(target > 0.5))


def test_a_run_spends_what_is_left_in_equal_parts(gan: GAN) -> None:
    ledger, told = Ledger(1.0, 1e-5), []
    state: Any = gan.init(jnp.uint32(0))
    shares = jnp.concatenate([jnp.full(size, 1 / size) for size in gan.layout.cardinalities])
    teachers = Teachers(gan, COUNT, steps=1, batch=4)
    train_with_teachers(gan, teachers, 8, state, encoded(gan, ROWS), ledger, shares, 1.0, told.append)
    assert ledger.spent == pytest.approx(ledger.rho, rel=1e-6)
    assert len({entry.rho for entry in ledger.entries}) == 1
    assert told == [1, 2, 3]
