"""The ways to a private generator: what each asks of the rows, and the network that follows from the answers."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gans.config.run import Run
from gans.data.layout import Encoded, Layout
from gans.networks.heads import LOGITS, SEEN, seen
from gans.privacy.base import DifferentialPrivacy
from gans.privacy.dp_sgd import PrivateGradients
from gans.privacy.entry import SUBSAMPLED, Entry
from gans.privacy.ledger import Ledger
from gans.privacy.loss_distributions import least_scale
from gans.privacy.marginals import PrivateMarginals
from gans.privacy.pate import PrivateTeachers
from gans.privacy.rows import PrivateRows
from gans.streams import per_example, stream
from gans.training.column_shares import answered, fit_columns, measure_columns, shares_of
from gans.training.marginal_matching import MarginalFit, Measurements, match_marginals
from gans.training.private_step import PrivateCritic, train_private_critic
from gans.training.step import GAN, Rows, TrainState
from gans.training.teachers import Teachers, train_with_teachers

DRAWN = 8_192  # rows whose mean chances are what a generator answers

Advance = Callable[[float], None]
"""Takes the share of the work that is done."""


@dataclass(frozen=True)
class Fit:
    """A generator and what it was fitted to.

    Attributes:
        parameters: of the generator.
        answers: its share of each level [levels], in the order of the codes.
        steps: updates of the generator, or looks at the rows where it has none of its own.
    """

    parameters: Any
    measured: Measurements
    answers: np.ndarray
    steps: int


def fit_marginals(run: Run, gan: GAN, rows: PrivateRows, codes: np.ndarray, advance: Advance) -> Fit:
    """By noisy counts of columns and of chosen pairs of columns."""
    del codes
    plan: Any = run.privacy
    generator: Any = gan.generator
    fit = MarginalFit(generator, run.optimizer.generator(1), rows.cardinalities)
    parameters = jax.jit(gan.init)(np.uint32(run.seed)).average["params"]
    budget = rows.ledger.rho
    parameters, measured = match_marginals(fit, parameters, rows, plan, lambda spent: advance(spent / budget))
    answers = np.asarray(fit.answers(parameters).single)
    return Fit(parameters, measured, answers, len(rows.ledger.entries))


def fit_gradients(run: Run, gan: GAN, rows: PrivateRows, codes: np.ndarray, advance: Advance) -> Fit:
    """By a critic that learns from noisy sums of clipped gradients."""
    plan: Any = run.privacy
    measured, state, shares = _counted(run, gan, rows)
    scale = charge_gradients(plan, rows.ledger, gan.steps * gan.critic_steps)
    critic = PrivateCritic(plan.rate, plan.clip, scale, plan.rate * measured.rows, len(codes))
    encoded = anywhere(run.seed, gan.layout, codes)
    data = Rows(jnp.asarray(encoded.scalars), jnp.asarray(encoded.codes), ())
    done: Callable[[int], None] = lambda step: advance(step / gan.steps)  # noqa: E731
    state = train_private_critic(gan, critic, state, data, shares, plan.matching, done)
    return _fit_of(gan, state, measured)


def charge_gradients(plan: PrivateGradients, ledger: Ledger, times: int) -> float:
    """Charge so many noisy sums of clipped gradients; the least scale of noise that keeps all within the budget."""
    guess = plan.clip * max(plan.rate * (times / (2 * ledger.left)) ** 0.5, 0.5)
    entry = Entry("gradients of the critic", SUBSAMPLED, plan.clip, guess, plan.rate, times)
    scale = least_scale(ledger.entries, entry, ledger.epsilon, ledger.noise_delta)
    ledger.charge(dataclasses.replace(entry, scale=scale))
    return scale


def fit_teachers(run: Run, gan: GAN, rows: PrivateRows, codes: np.ndarray, advance: Advance) -> Fit:
    """By a critic that learns from noisy votes of teachers."""
    plan: Any = run.privacy
    measured, state, shares = _counted(run, gan, rows)
    teachers = Teachers(gan, plan.teachers, plan.teacher_steps, plan.teacher_batch)
    encoded = anywhere(run.seed, gan.layout, codes)
    done: Callable[[int], None] = lambda step: advance(step / gan.steps)  # noqa: E731
    state = train_with_teachers(gan, teachers, plan.votes, state, encoded, rows.ledger, shares, plan.matching, done)
    return _fit_of(gan, state, measured)


FITS: dict[type[DifferentialPrivacy], Callable[[Run, GAN, PrivateRows, np.ndarray, Advance], Fit]] = {
    PrivateMarginals: fit_marginals,
    PrivateGradients: fit_gradients,
    PrivateTeachers: fit_teachers,
}


def anywhere(seed: int, layout: Layout, codes: np.ndarray) -> Encoded:
    """Rows of these cells with their numbers anywhere in their bins, as generated rows have them."""
    scalars = np.random.default_rng(seed).uniform(-1, 1, (len(codes), layout.scalars)).astype(np.float32)
    for scalar, code, levels in layout.masks:
        scalars[:, scalar] *= codes[:, code] < levels
    return Encoded(scalars, codes)


def _counted(run: Run, gan: GAN, rows: PrivateRows) -> tuple[Measurements, TrainState, Any]:
    """Noisy counts of columns, a generator that answers them, and their shares."""
    plan: Any = run.privacy
    measured = measure_columns(rows, plan.single)
    shares = shares_of(measured)
    return measured, fit_columns(gan, jax.jit(gan.init)(np.uint32(run.seed)), shares), shares


def _fit_of(gan: GAN, state: TrainState, measured: Measurements) -> Fit:
    return Fit(state.average["params"], measured, answers_of(gan, state), gan.steps)


def answers_of(gan: GAN, state: TrainState) -> np.ndarray:
    """The share of each level [levels] among rows of the averaged generator, in the order of the codes."""
    keys = per_example(stream(state.seed, state.step, "answers"), DRAWN)

    @jax.jit
    def answers(variables: Any) -> Any:
        _, shown = gan.generate(variables, jnp.zeros((DRAWN, 0)), keys, True)
        return answered(gan.layout, seen({SEEN: shown[SEEN]}, LOGITS))  # pyright: ignore[reportArgumentType]

    return np.asarray(answers(state.average))
