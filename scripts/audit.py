"""Does a private experiment keep its promise? A lower bound of epsilon by attack, beside the stated one.

    python scripts/audit.py experiment=dp_marginals|dp_gan|pate_gan [epsilon=3] [delta=1e-5] [runs=2000] [bug=NAME]

Half of the runs have a canary, a row in cells of its own, among some others. The attacker knows these, sees each noisy
answer, and sums up how much likelier the canary makes them. Two bounds at 95%: one that holds whatever the mechanism
is, and one that holds if the answers are Gaussian and is far tighter; the smaller epsilon, the more runs they need.
With `bug` a fault is built in on purpose, one of those that others' audits found, and the audit should notice it. The
status is 1 where a bound is above the stated epsilon.
Half a minute on one core.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from audits import gradients, marginals, votes

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import NUMBER, TEXT, WHOLE, choice
from gans.errors import in_range, one_of
from gans.privacy.audit import Audit, audit

ATTACKS = {"dp_marginals": marginals, "dp_gan": gradients, "pate_gan": votes}


def audited(experiment: str, epsilon: float, delta: float, runs: int, bug: str | None = None) -> Audit:
    """The audit of so many runs."""
    absent, present = ATTACKS[experiment].scores(epsilon, delta, runs, bug)
    return audit(present, absent, delta)


@takes(
    Key("experiment", choice(*ATTACKS), required=True),
    Key("epsilon", NUMBER, default=3.0),
    Key("delta", NUMBER, default=1e-5),
    Key("runs", WHOLE, default=2_000),
    Key("bug", TEXT),
    text=__doc__,
)
def main(experiment: str, epsilon: float, delta: float, runs: int, bug: str | None) -> int:
    """Attack, print; 1 where the promise is broken."""
    in_range("epsilon", epsilon, 0, 100, open_low=True)
    in_range("delta", delta, 0, 1, open_low=True, open_high=True)
    in_range("runs", runs, 100)
    if bug is not None:
        one_of("bug", bug, tuple(ATTACKS[experiment].BUGS))
    found = audited(experiment, epsilon, delta, runs, bug)
    print(f"stated epsilon {epsilon:g} at delta {delta:g}; bounds of {found.runs} runs a side:")
    print(f"  at least {found.epsilon:.3f} whatever the mechanism")
    print(f"  at least {found.epsilon_if_gaussian:.3f} if its noise is Gaussian")
    print(
        f"  the canary is seen in {found.true_positives:.1%} of the runs with it, {found.false_positives:.1%} without"
    )
    print("BROKEN: above the stated epsilon" if found.exceeds(epsilon) else "not shown to be broken")
    return int(found.exceeds(epsilon))


if __name__ == "__main__":
    main_command(main.run)
