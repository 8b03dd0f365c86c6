"""pate_gan: the attacker knows all other rows, who teaches whom and the teachers, and sees the noisy votes."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audits.common import Counts, domain, half_noise, replaced, seeded_noise, table, with_canary
from gans.config.compose import compose
from gans.data.layout import Encoded
from gans.privacy.entry import scale_of
from gans.privacy.ledger import Ledger
from gans.privacy.noise import discrete_gaussian
from gans.runs.build import build
from gans.training.teachers import OwnRows, Teachers, generated, noisy_votes, owned, taught

ROWS, STEPS, TEACHERS, VOTES = 20, 10, 10, 8


def all_teachers(own: OwnRows, without: OwnRows) -> OwnRows:
    """The canary with every teacher: rows that are not apart."""
    room = own.codes.shape[1]
    codes, counts = np.array(without.codes), np.array(without.counts)
    codes[np.arange(TEACHERS), np.minimum(counts, room - 1)] = with_canary(table(0))[-1]
    return OwnRows(own.scalars, codes, np.minimum(counts + 1, room))


BUGS: dict[str, Counts | Callable[[OwnRows, OwnRows], OwnRows]] = {
    "half_noise": half_noise,
    "seeded_noise": seeded_noise,
    "teachers_share": all_teachers,
}


def scores(epsilon: float, delta: float, runs: int, bug: str | None) -> np.ndarray:
    """The canary's score in each of the runs, without it and with it [2, runs / 2]."""
    codec = domain().codec()
    run = compose(
        [
            "+experiment=pate_gan",
            *(f"network.{key}=8" for key in ("width", "discriminator_width", "latent")),
            "network.blocks=0",
            "trainer.batch_size=8",
            "optimizer.discriminator_learning_rate=0.05",
            "optimizer.discriminator_weight_decay=0",
            f"trainer.steps={STEPS}",
        ]
    )
    gan = build(run, run.condition.fit(codec, codec.empty(1)))
    teachers = Teachers(gan, TEACHERS, steps=10, batch=4)
    rng = np.random.default_rng()
    half, room = runs // 2, ROWS + 1
    worlds = [_dealt(rng, room) for _ in range(half)]
    if bug == "teachers_share":
        worlds = [(without, all_teachers(own, without)) for without, own in worlds]
    without, present = (_stacked([world[place] for world in worlds]) for place in (0, 1))
    keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), half)
    vote = jax.jit(jax.vmap(teachers.votes))
    make = jax.jit(jax.vmap(lambda state: generated(gan, state, VOTES)))
    learn = jax.jit(jax.vmap(lambda state, rows, target: taught(gan, state, rows, target)))
    started = jax.jit(gan.init)(np.uint32(0)), jax.jit(teachers.init)(np.uint32(0))
    scale = VOTES**0.5 * scale_of(Ledger(epsilon, delta).rho / STEPS)
    mechanism: Any = BUGS[bug] if bug in ("half_noise", "seeded_noise") else discrete_gaussian
    out = []
    for world in (0, 1):
        state, of_teachers = (_repeated(tree, half) for tree in started)
        both, score = [of_teachers, of_teachers], np.zeros(half)
        ledgers = [Ledger(epsilon, delta) for _ in range(half)]
        for step in range(STEPS):
            rows, counts = make(state), []
            here = jax.vmap(jax.random.fold_in, (0, None))(keys, step)
            for place, own in enumerate((without, present)):
                both[place], found = vote(both[place], own, state.variables, rows, here)
                counts.append(np.asarray(found))
            with replaced({"gans.training.teachers.discrete_gaussian": mechanism}):
                seen = np.stack(
                    [noisy_votes(one, ledger, scale) for one, ledger in zip(counts[world], ledgers, strict=True)]
                )
            apart = counts[1] - counts[0]
            score += ((seen - (counts[0] + counts[1]) / 2) * apart).sum(axis=1) / scale**2
            state = learn(state, rows, jnp.asarray(seen / TEACHERS, jnp.float32))
            state = state.replace(step=state.step + 1)
        out.append(score)
    return np.array(out)


def _dealt(rng: np.random.Generator, room: int) -> tuple[OwnRows, OwnRows]:
    """The rows of the teachers without and with the canary, which joins a teacher of nobody else."""
    owners = rng.integers(0, TEACHERS - 1, ROWS)
    codes = table(ROWS)
    without = owned(Encoded(np.zeros((ROWS, 0), np.float32), codes), owners, TEACHERS, room)
    more = np.append(owners, TEACHERS - 1)
    present = owned(Encoded(np.zeros((ROWS + 1, 0), np.float32), with_canary(codes)), more, TEACHERS, room)
    return without, present


def _stacked(several: list[OwnRows]) -> OwnRows:
    return OwnRows(*(jnp.asarray(np.stack(parts)) for parts in zip(*several, strict=True)))


def _repeated(tree: Any, times: int) -> Any:
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (times, *leaf.shape)), tree)
