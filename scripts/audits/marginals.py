"""dp_marginals: the attacker knows all other rows, and sees each noisy count."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from audits.common import NAMES, SIZES, Counts, half_noise, replaced, seeded_noise, table, with_canary
from gans.data.layout import Layout
from gans.networks.product_mixture import ProductMixture
from gans.privacy.audit import canary_score
from gans.privacy.ledger import Ledger
from gans.privacy.marginals import PrivateMarginals
from gans.privacy.noise import discrete_gaussian
from gans.privacy.rows import PrivateRows
from gans.training.marginal_matching import MarginalFit, match_marginals

ROWS = 300


def counted_thrice(counts: np.ndarray, scale: float) -> np.ndarray:
    """A row that changes each count by three, as if a bound were not kept."""
    return discrete_gaussian(3 * counts, scale)


def shown_if_there(counts: np.ndarray, scale: float) -> np.ndarray:
    """Cells that no row has are left at 0: a domain that is read off the rows."""
    return np.where(counts > 0, discrete_gaussian(counts, scale), 0)


BUGS: dict[str, Counts] = {
    "half_noise": half_noise,
    "seeded_noise": seeded_noise,
    "counted_thrice": counted_thrice,
    "shown_if_there": shown_if_there,
}


def scores(epsilon: float, delta: float, runs: int, bug: str | None) -> np.ndarray:
    """The canary's score in each of the runs, without it and with it [2, runs / 2]."""
    layout = Layout(scalars=0, bound=1.0, cardinalities=SIZES, columns=(0, 0, 1, 1, 1, 2, 2, 2, 2))
    generator = ProductMixture(layout, 4, 4, (8,))
    parameters = generator.init(jax.random.key(0), jnp.arange(2), method="logits")["params"]
    fit = MarginalFit(generator, optax.adam(1e-3), SIZES)
    mechanism = BUGS[bug] if bug else discrete_gaussian
    answers: list[float] = []

    def remembered(counts: np.ndarray, scale: float) -> np.ndarray:
        found = mechanism(counts, scale)
        answers.append(float(found[-1]))  # the canary's cell is the last one of each marginal
        return found

    plan = PrivateMarginals(epsilon=epsilon, delta=delta, rounds=1, iterations=1, finish=1)
    without, out = table(ROWS), []
    with replaced({"gans.privacy.rows.discrete_gaussian": remembered}):
        for number in range(runs):
            answers.clear()
            private = PrivateRows(with_canary(without) if number % 2 else without, SIZES, NAMES, Ledger(epsilon, delta))
            match_marginals(fit, parameters, private, plan)
            out.append(canary_score(private.ledger, list(answers)))
    return np.array(out).reshape(-1, 2).T
