"""What a site tells in a private run: all of it goes through a ledger of its own, which lies in its folder.

One row more or less at a site is what the guarantee speaks of. Sites that share no person have it all at once; a person
who is a customer of two has the sum of both epsilons.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gans.artefacts import read_json, read_npz
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.federated.agreed import Agreed
from gans.federated.arrays import Arrays
from gans.files import write_atomic, write_text
from gans.privacy.ledger import Ledger
from gans.privacy.rows import PrivateRows
from gans.runs.private import names_by_code
from gans.runs.private_fits import charge_gradients
from gans.training.checkpoints import digest
from gans.training.column_shares import column_scale, measure_columns
from gans.training.marginal_matching import Measurements
from gans.training.private_step import PrivateCritic, private_block
from gans.training.step import Rows, TrainState

FOLDER, ASKED = "private-{}", "asked"
PADDED = 1024


class SiteLedger:
    """The budget of a site in one run: counts of columns once, and gradients in as many steps as were agreed on."""

    def __init__(self, folder: Path, agreed: Agreed, codes: np.ndarray) -> None:
        self.folder = folder / FOLDER.format(agreed.token)
        self.agreed, self.plan = agreed, agreed.plan
        codec = agreed.saved.codec
        ledger = Ledger(self.plan.epsilon, self.plan.delta)
        self._rows = PrivateRows(codes, codec.layout.cardinalities, names_by_code(codec), ledger)

    @property
    def begun(self) -> bool:
        """Whether something was asked already in this run."""
        return self._ledger.is_file()

    def counts(self) -> np.ndarray:
        """Noisy counts [levels] of all columns; drawn once, then the same.

        The whole budget is charged here: that of the gradients, too.
        """
        if not self.begun:
            measured = measure_columns(self._rows, self.plan.single)
            charge_gradients(self.plan, self._rows.ledger, self.agreed.gan.steps * self.agreed.gan.critic_steps)
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomic(self._counts, lambda path: np.savez(path, counts=measured.single))
            self._rows.ledger.write(self._ledger)
        return read_npz(self._counts)["counts"]

    def spend(self, steps: int) -> None:
        """Write down that so many steps are taken, before they are.

        Raises:
            UserError: the noise was chosen for fewer.
        """
        taken, most = self._taken, self.agreed.gan.steps
        if taken + steps > most:
            raise UserError(
                f"the budget is used up: its noise is that of {most:,} steps, of which {taken:,} are taken."
            )
        write_text(self._steps, json.dumps({"steps": taken + steps}) + "\n")

    @cached_property
    def critic(self) -> PrivateCritic:
        """How its critic sees its rows."""
        about = measured_together(self.agreed, [self.counts()]).rows
        scale = Ledger.read(self._ledger).entries[-1].scale
        return PrivateCritic(self.plan.rate, self.plan.clip, scale, self.plan.rate * about, self._rows.count)

    def answered(self, question: str) -> Arrays | None:
        """What was answered to this question, the last one; to say it again costs nothing."""
        if not self._answer.is_file():
            return None
        stored = read_npz(self._answer)
        return stored if str(stored.pop(ASKED)) == question else None

    def keep(self, question: str, answer: Arrays) -> None:
        """Keep an answer, in case that the server forgets it."""
        stored: Any = answer | {ASKED: np.array(question)}
        write_atomic(self._answer, lambda path: np.savez(path, **stored))

    @property
    def _taken(self) -> int:
        return int(read_json(self._steps)["steps"]) if self._steps.is_file() else 0

    @property
    def _ledger(self) -> Path:
        return self.folder / "privacy.json"

    @property
    def _counts(self) -> Path:
        return self.folder / "counts.npz"

    @property
    def _steps(self) -> Path:
        return self.folder / "steps.json"

    @property
    def _answer(self) -> Path:
        return self.folder / "answer.npz"


@lru_cache(maxsize=1)
def program_of(agreed: Agreed) -> Callable[..., TrainState]:
    """The steps of all sites of a process: (state, critic, rows, shares, secret key, how many) -> state."""
    return private_block(agreed.gan, agreed.plan.matching)


def padded(encoded: Encoded) -> Rows:
    """Rows, behind which there are some of zeros: sites of nearly so many rows share what is compiled."""
    more = -len(encoded.codes) % PADDED
    scalars, codes = (np.pad(part, ((0, more), (0, 0))) for part in (encoded.scalars, encoded.codes))
    return Rows(scalars, codes, ())


def check_allowance(folder: Path, agreed: Agreed, epsilon: float | None, delta: float) -> None:
    """Raise UserError where a run would spend more on the rows of a site than it allows over all its runs."""
    if epsilon is None:
        return
    if not agreed.private:
        raise UserError(f"epsilon={epsilon:g}: the site takes part in private runs only, and this one is not.")
    plan = agreed.plan
    paths = sorted(folder.glob(f"{FOLDER.format('*')}/privacy.json"))
    before = [Ledger.read(path) for path in paths if path.parent.name != FOLDER.format(agreed.token)]
    for key, most, own, spent in (
        ("epsilon", epsilon, plan.epsilon, sum(one.epsilon for one in before)),
        ("delta", delta, plan.delta, sum(one.delta for one in before)),
    ):
        if own + spent > most * (1 + 1e-9):
            raise UserError(f"{key}={most:g}: the site allows no more; the run asks for {own:g}, spent is {spent:g}.")


def measured_together(agreed: Agreed, counts: Sequence[np.ndarray]) -> Measurements:
    """What the noisy counts of several sites say of all of them."""
    plan, cardinalities = agreed.plan, agreed.saved.codec.layout.cardinalities
    out = Measurements(np.concatenate([[0], np.cumsum(cardinalities)]))
    scale = column_scale(Ledger(plan.epsilon, plan.delta), plan.single, len(cardinalities))
    out.single[:] = np.sum(counts, axis=0)
    out.single_precision[:] = 1 / (len(counts) * scale**2)
    return out


def question_of(number: int, arrays: Mapping[str, np.ndarray], counts: np.ndarray) -> str:
    """What tells one question of the server from another."""
    return digest({"round": np.array(number), "counts": counts, **arrays})


def empty_ledger(agreed: Agreed) -> Ledger:
    """The ledger of every site: what is asked does not depend on the rows, so a site without any has it, too."""
    codec, plan = agreed.saved.codec, agreed.plan
    ledger = Ledger(plan.epsilon, plan.delta)
    rows = PrivateRows(codec.empty(0).codes, codec.layout.cardinalities, names_by_code(codec), ledger)
    measure_columns(rows, plan.single)
    charge_gradients(plan, ledger, agreed.gan.steps * agreed.gan.critic_steps)
    return ledger
