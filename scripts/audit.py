"""Does a private experiment keep its promise? A lower bound of epsilon by attack, beside the stated one.

    python scripts/audit.py experiment=dp_marginals|dp_gan|pate_gan [epsilon=3] [delta=1e-5] [runs=2000] [bug=NAME]

Half of the runs have a canary, a row in cells of its own, among some others. The attacker knows these, sees each noisy
answer, and sums up how much likelier the canary makes them. Two bounds at 95 %: one that holds whatever the mechanism
is, and one that holds if the answers are Gaussian and is far tighter; the smaller epsilon, the more runs they need.
With `bug` a fault is built in on purpose, one of those that others' audits found, and the audit should notice it. The
status is 1 where a bound is above the stated epsilon.
Half a minute on one core.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from audits import gradients, marginals, votes

from gans.cli.arguments import key_values
from gans.cli.command import main_command
from gans.errors import in_range, one_of
from gans.privacy.audit import Audit, audit
from gans.tracking.log import set_up_log

KEYS = {"experiment": str, "epsilon": float, "delta": float, "runs": int, "bug": str}
ATTACKS = {"dp_marginals": marginals, "dp_gan": gradients, "pate_gan": votes}


def audited(experiment: str, epsilon: float, delta: float, runs: int, bug: str | None = None) -> Audit:
    """The audit of so many runs."""
    absent, present = ATTACKS[experiment].scores(epsilon, delta, runs, bug)
    return audit(present, absent, delta)


def main() -> int:
    """Attack, print; 1 where the promise is broken."""
    given = {"epsilon": 3.0, "delta": 1e-5, "runs": 2_000} | key_values(sys.argv[1:], KEYS)
    experiment = given.get("experiment", "")
    one_of("experiment", experiment, tuple(ATTACKS))
    in_range("epsilon", given["epsilon"], 0, 100, open_low=True)
    in_range("delta", given["delta"], 0, 1, open_low=True, open_high=True)
    in_range("runs", given["runs"], 100)
    if "bug" in given:
        one_of("bug", given["bug"], tuple(ATTACKS[experiment].BUGS))
    found = audited(experiment, given["epsilon"], given["delta"], given["runs"], given.get("bug"))
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
