"""Does a private experiment keep its promise? A lower bound of epsilon by attack, beside the stated one.

    python scripts/audit.py experiment=dp_marginals [epsilon=3] [delta=1e-5] [runs=2000] [bug=NAME]

Half of the runs have a canary, a row in cells of its own, among 300 others. The attacker knows these, sees each noisy
count, and sums up how much likelier the canary makes them. Two bounds at 95 %: one that holds whatever the mechanism
is, and one that holds if the answers are Gaussian and is far tighter; the smaller epsilon, the more runs they need.
With `bug` a fault is built in on purpose, one of those that others' audits found, and the audit should notice it. The
status is 1 where a bound is above the stated epsilon.
Half a minute on one core.
"""

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import gans.privacy.rows as rows_module
from gans.cli.arguments import key_values
from gans.cli.command import main_command
from gans.data.layout import Layout
from gans.errors import one_of
from gans.networks.product_mixture import ProductMixture
from gans.privacy.audit import Audit, audit, canary_score
from gans.privacy.ledger import Ledger
from gans.privacy.marginals import PrivateMarginals
from gans.privacy.rows import PrivateRows
from gans.tracking.log import set_up_log
from gans.training.marginal_matching import MarginalFit, match_marginals

KEYS = {"experiment": str, "epsilon": float, "delta": float, "runs": int, "bug": str}
SIZES, NAMES, ROWS = (2, 3, 4), ("a", "b", "c"), 300
CANARY = np.array([1, 2, 3])  # the last level of each column, which no other row has
GAUSSIAN = rows_module.discrete_gaussian


def half_noise(counts: np.ndarray, scale: float) -> np.ndarray:
    """Half of the noise that was charged."""
    return GAUSSIAN(counts, scale / 2)


def seeded_noise(counts: np.ndarray, scale: float) -> np.ndarray:
    """Noise that whoever knows the seed draws again, and takes away."""
    noise = np.rint(np.random.default_rng(0).normal(0, scale, len(counts))).astype(np.int64)
    return counts + noise - noise


def counted_thrice(counts: np.ndarray, scale: float) -> np.ndarray:
    """A row that changes each count by three, as if a clipping bound were not kept."""
    return GAUSSIAN(3 * counts, scale)


def shown_if_there(counts: np.ndarray, scale: float) -> np.ndarray:
    """Cells that no row has are left at 0: a domain that is read off the rows."""
    return np.where(counts > 0, GAUSSIAN(counts, scale), 0)


BUGS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "half_noise": half_noise,
    "seeded_noise": seeded_noise,
    "counted_thrice": counted_thrice,
    "shown_if_there": shown_if_there,
}


def table() -> np.ndarray:
    """Rows [300, 3] that have no level of the canary."""
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(0, size - 1, ROWS) for size in SIZES], axis=1)


def scores(fit: MarginalFit, parameters: Any, epsilon: float, delta: float, runs: int, bug: str | None) -> np.ndarray:
    """The canary's score in each of the runs, of which every other one has it [2, runs / 2]."""
    without, out = table(), []
    mechanism = BUGS[bug] if bug else GAUSSIAN
    answers: list[float] = []

    def remembered(counts: np.ndarray, scale: float) -> np.ndarray:
        found = mechanism(counts, scale)
        answers.append(float(found[-1]))  # the canary's cell is the last one of each marginal
        return found

    plan = PrivateMarginals(epsilon=epsilon, delta=delta, rounds=1, iterations=1)
    rows_module.discrete_gaussian = remembered
    try:
        for number in range(runs):
            answers.clear()
            codes = np.concatenate([without, CANARY[None]]) if number % 2 else without
            private = PrivateRows(codes, SIZES, NAMES, Ledger(epsilon, delta))
            match_marginals(fit, parameters, private, plan)
            out.append(canary_score(private.ledger, list(answers)))
    finally:
        rows_module.discrete_gaussian = GAUSSIAN
    return np.array(out).reshape(-1, 2).T


def audited(epsilon: float, delta: float, runs: int, bug: str | None = None) -> Audit:
    """The audit of so many runs."""
    layout = Layout(scalars=0, bound=1.0, cardinalities=SIZES, columns=(0, 0, 1, 1, 1, 2, 2, 2, 2))
    generator = ProductMixture(layout, 4, 4, (8,))
    parameters = generator.init(jax.random.key(0), jnp.arange(2), method="logits")["params"]
    fit = MarginalFit(generator, optax.adam(1e-3), SIZES)
    absent, present = scores(fit, parameters, epsilon, delta, runs, bug)
    return audit(present, absent, delta)


def main() -> int:
    """Attack, print; 1 where the promise is broken."""
    given = {"epsilon": 3.0, "delta": 1e-5, "runs": 2_000} | key_values(sys.argv[1:], KEYS)
    one_of("experiment", given.get("experiment", ""), ("dp_marginals",))
    if "bug" in given:
        one_of("bug", given["bug"], tuple(BUGS))
    found = audited(given["epsilon"], given["delta"], given["runs"], given.get("bug"))
    print(f"stated epsilon {given['epsilon']:g} at delta {given['delta']:g}; bounds of {found.runs} runs a side:")
    print(f"  at least {found.epsilon:.3f} whatever the mechanism")
    print(f"  at least {found.epsilon_if_gaussian:.3f} if its noise is Gaussian")
    print(
        f"  the canary is seen in {found.true_positives:.1%} of the runs with it, {found.false_positives:.1%} without"
    )
    print("BROKEN: above the stated epsilon" if found.exceeds(given["epsilon"]) else "not shown to be broken")
    return int(found.exceeds(given["epsilon"]))


if __name__ == "__main__":
    set_up_log()
    main_command(main)
