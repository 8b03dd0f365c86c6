"""A site: its rows stay here; what leaves is what `describe`, `counts`, `end_round` and `evaluate` give."""

import dataclasses
import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from gans.artefacts import read_npz
from gans.config.run import Run
from gans.data.base import Split
from gans.data.detection import detect
from gans.data.layout import Encoded
from gans.errors import UserError, one_line
from gans.evaluation.metrics import TrainingJudge
from gans.federated.agreed import Agreed
from gans.federated.agreement import Description, conform
from gans.federated.arrays import Arrays, arrays_of, bytes_of, with_arrays
from gans.federated.settings import Federation
from gans.federated.site_ledger import (
    SiteLedger,
    check_allowance,
    empty_ledger,
    measured_together,
    padded,
    program_of,
    question_of,
)
from gans.files import write_atomic
from gans.runs.private import private_table
from gans.runs.private_fits import anywhere
from gans.runs.spending import remember
from gans.sampling.sampler import Sampler
from gans.streams import derived_seed
from gans.training.column_shares import shares_of
from gans.training.loop import initial_state, make_block
from gans.training.private_step import secret_key
from gans.training.step import GAN, Rows, TrainState

log = logging.getLogger("gans")

STATE, SENT, AGREEMENT = "state-{}.npz", "sent.jsonl", "agreement"
MOST_POINTS = 1_000_000


class Site:
    """One site.

    Args:
        run: whose data the site reads.
        folder: where it keeps what is its own: its part of the state, and what it sent.
        show: say on the terminal what leaves before it does.
        floor_rows, points: what it tells of columns at most, whatever the server asks.
        explains: whether it tells the server why it cannot do something; such a sentence may hold a value of a row.
        epsilon, delta: what all runs may spend on its rows; with an epsilon it takes part in private runs only.
    """

    def __init__(
        self,
        name: str,
        run: Run,
        folder: Path,
        show: bool = True,
        floor_rows: int = 1,
        points: int = MOST_POINTS,
        explains: bool = False,
        epsilon: float | None = None,
        delta: float = 1e-5,
    ) -> None:
        self.name, self.run, self.folder, self.show = name, run, folder, show
        self.floor_rows, self.points, self.explains = floor_rows, points, explains
        self.epsilon, self.delta = epsilon, delta
        self.agreed: Agreed | None = None
        self.ledger: SiteLedger | None = None  # of a private run
        self.parts: dict[int, Arrays] = {}  # what is its own after the last two rounds, by their numbers

    @cached_property
    def split(self) -> Split:
        """Its table, cut into training and held-out rows; its columns, even if none could be learned of it alone.

        Raises:
            UserError: it cannot be read.
        """
        source = self.run.data
        training, holdout = source.cut()
        schema = detect(training, source.fixed_kinds(), source.drop, source.handling(), learns=False)
        return Split(training, holdout, schema)

    def describe(self, federation: Federation) -> Description:
        """What it tells of its columns before training.

        Raises:
            UserError: the table cannot be read, or holds images; the site takes part in private runs only.
        """
        if self.epsilon is not None:
            raise UserError(f"epsilon={self.epsilon:g}: in private runs, the only ones here, columns are declared.")
        floor, points = max(federation.floor_rows, self.floor_rows), min(federation.points, self.points)
        asked = dataclasses.replace(federation, floor_rows=floor, points=points)
        found = Description.of(self.name, self.split, asked)
        self.sent(0, "columns", found.lines(), len(json.dumps(dataclasses.asdict(found))))
        return found

    def join(self, agreed: Agreed) -> None:
        """Take part with what was agreed on; rows that cannot are said here, and not to the server.

        Raises:
            UserError: a column is missing or of another type, or no row is left; the site allows less than is asked.
        """
        check_allowance(self.folder, agreed, self.epsilon, self.delta)
        if agreed.private:
            self._join_privately(agreed)
        else:
            self._join(agreed)
        self.agreed = agreed
        self.parts = {}
        for path in self.folder.glob(STATE.format("*")):
            stored = dict(read_npz(path))
            if str(stored.pop(AGREEMENT)) == agreed.digest:  # else of an earlier run
                self.parts[int(path.stem.rpartition("-")[2])] = stored

    def _join_privately(self, agreed: Agreed) -> None:
        """With all rows, none of which is outside the declared domain."""
        table = agreed.domain.without_dropped(private_table(self.run, None))
        codec = agreed.saved.codec
        self.encoded = anywhere(self.run.seed, codec.layout, agreed.domain.encode(table, codec).codes)
        self.ledger = SiteLedger(self.folder, agreed, self.encoded.codes)
        if not self.ledger.begun:
            remember(table, empty_ledger(agreed), False, self.ledger.folder)

    def _join(self, agreed: Agreed) -> None:
        schema, codec = agreed.saved.schema, agreed.saved.codec
        left_out = {column.name for column in self.split.schema.columns if column.role in ("dropped", "faked")}
        levels = {one.column.name: [level for level in one.levels if level is not None] for one in codec.columns}
        for column in schema.kept:
            if column.name in left_out:
                raise UserError(f"column '{column.name}': the sites did not agree on it, so it cannot be learned.")
        rows = []
        for table in (self.split.training, self.split.holdout):
            known = conform(table, schema, agreed.rare, levels)
            covered = codec.covers(known)
            if not covered.all():
                out, of = f"{(~covered).sum():,}", f"{len(covered):,}"
                log.info("site %s: %s of %s rows left out: a level that is not agreed on", self.name, out, of)
            rows.append(known.filter(pa.array(covered)))
        if rows[0].num_rows == 0:
            raise UserError(f"site {self.name}: no training row holds agreed levels only.")
        self.training, self.holdout = rows
        self.encoded = codec.encode(self.training, self.run.data.split_seed)

    @property
    def known(self) -> Agreed:
        """What was agreed on.

        Raises:
            UserError: the site has not joined yet.
        """
        if self.agreed is None:
            raise UserError(f"site {self.name} has not joined.")
        return self.agreed

    @cached_property
    def program(self) -> Callable[[TrainState, Rows, int], tuple[TrainState, dict[str, Any]]]:
        """Its steps, where it trains by itself."""
        return steps_of(self.known.gan)

    def rows(self, length: int | None = None) -> Rows:
        """Its training rows as networks see them.

        Args:
            length: so many, each as often as others but for one time, so that sites fit into one array.
        """
        encoded, count = self.encoded, len(self.encoded.scalars)
        if length is not None and length != count:
            order = np.random.default_rng(derived_seed("longer", self.seed)).permutation(count)
            places = np.sort(np.resize(order, length))
            encoded = Encoded(encoded.scalars[places], encoded.codes[places])
        gan, own = self.known.gan, self.encoded
        condition, rest = gan.condition, gan.condition.rest(own)
        terms = {name: term.fit(condition.layout, rest, self.known.terms.get(name)) for name, term in gan.terms.items()}
        longer = condition.rest(encoded)
        return Rows(longer.scalars, longer.codes, condition.known(encoded), terms)

    @cached_property
    def training_rows(self) -> Rows:
        """Its training rows on the device."""
        return jax.device_put(self.rows())

    @cached_property
    def seed(self) -> int:
        """Of its batches and latents."""
        return derived_seed(f"site {self.name}", self.known.run.seed)

    @cached_property
    def first(self) -> TrainState:
        """The state that all sites begin with, and server; its own but for the seed."""
        return initial_state(self.known.gan, self.known.run.seed, 1).replace(seed=np.uint32(self.seed))

    def begin_round(self, number: int, arrays: Mapping[str, np.ndarray]) -> TrainState:
        """The state with which it trains in a round: what is shared from the server, what is its own from here.

        Raises:
            ValueError: arrays of another shape.
        """
        federation = self.known.federation
        state = with_arrays(self.first, federation.shared, arrays)
        gan = self.known.gan
        if federation.moments != "averaged":
            state = state.replace(
                generator_optimizer=gan.generator_optimizer.init(state.generator),
                discriminator_optimizer=gan.discriminator_optimizer.init(state.discriminator),
            )
        if before := [done for done in self.parts if done < number]:  # a round may be asked for again
            state = with_arrays(state, self._own, self.parts[max(before)])
        if federation.strategy == "fedprox":
            state = _pulled_to(state)
        return state.replace(step=np.int32((number - 1) * federation.local_steps))

    @property
    def _own(self) -> tuple[str, ...]:
        """Parts of the state that stay here from round to round."""
        federation, shared = self.known.federation, self.known.federation.shared
        own = [part for part in ("generator", "statistics", "discriminator") if part not in shared]
        for part in ("generator", "discriminator"):
            if f"{part}_optimizer" not in shared and (part in own or federation.moments == "kept"):
                own.append(f"{part}_optimizer")
        return (*own, "average") if "generator" in own else tuple(own)

    def end_round(
        self, number: int, state: TrainState, metrics: Mapping[str, float]
    ) -> tuple[Arrays, dict[str, float]]:
        """What it sends after a round: the parts that are shared, and the means of its losses."""
        if self._own:
            own = arrays_of(state, self._own)
            self.parts = {done: parts for done, parts in self.parts.items() if done < number} | {number: own}
            stored: Any = own | {AGREEMENT: np.array(self.known.digest)}
            write_atomic(self.folder / STATE.format(number), lambda path: np.savez(path, **stored))
            for done in sorted(self.parts)[:-2]:
                self.parts.pop(done)
                (self.folder / STATE.format(done)).unlink(missing_ok=True)
        arrays = arrays_of(state, self.known.federation.shared)
        numbers = {name: float(value) for name, value in metrics.items()}
        lines = [f"{len(arrays)} arrays of {', '.join(self.known.federation.shared)}"]
        lines += [f"numbers: {', '.join(numbers)}"] * bool(numbers)
        self.sent(number, "networks", lines, bytes_of(arrays))
        return arrays, numbers

    def counts(self) -> np.ndarray:
        """Of a private run noisy counts [levels] of its columns.

        Raises:
            UserError: the run is not private.
        """
        found, plan = self._private.counts(), self.known.plan
        lines = [
            f"noisy counts of {len(self.known.saved.codec.columns)} columns",
            f"epsilon={plan.epsilon:g} delta={plan.delta:g} are spent on these and on the gradients of all rounds",
        ]
        self.sent(0, "counts", lines, found.nbytes)
        return found

    def train_privately(self, number: int, arrays: Mapping[str, np.ndarray], counts: np.ndarray) -> Arrays:
        """What it sends after a round of a private run; what was asked before gets the same answer.

        Args:
            counts: noisy ones of all sites [levels].

        Raises:
            UserError: its budget is used up.
            ValueError: arrays of another shape.
        """
        ledger, steps = self._private, self.known.federation.local_steps
        question = question_of(number, arrays, counts)
        if (before := ledger.answered(question)) is not None:
            return before
        shares = shares_of(measured_together(self.known, [counts]))
        state, program = jax.device_put(self.begin_round(number, arrays)), program_of(self.known)
        ledger.spend(steps)
        state = jax.device_get(program(state, ledger.critic, padded(self.encoded), shares, secret_key(), steps))
        answer, _ = self.end_round(number, state, {})
        ledger.keep(question, answer)
        return answer

    @property
    def _private(self) -> SiteLedger:
        if self.ledger is None:
            raise UserError(f"site {self.name}: the run is not private.")
        return self.ledger

    def evaluate(self, number: int, arrays: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Scores of the averaged generator against its held-out rows.

        Metrics that cannot judge so few rows are left out.

        Raises:
            UserError: the run is private, where a score would be a look at rows that no ledger has.
        """
        if self.known.private:
            raise UserError(f"site {self.name}: the run is private; it tells no scores of its rows.")
        run, sampler = self.known.run, self.sampler(arrays)
        judge = self._judge
        found, left_out = judge.attempt(sampler.sample(run.trainer.evaluate_rows, run.seed))
        if self.show and number <= self.known.federation.evaluate_every:
            for name, reason in left_out.items():
                log.warning("site %s: %s: left out, %s", self.name, name, reason)
        self.sent(number, "scores", [f"{name} {value:g}" for name, value in found.items()], 8 * len(found))
        return found

    @cached_property
    def _judge(self) -> TrainingJudge:
        return TrainingJudge(self.known.run.trainer.measured, self.holdout, self.known.saved.schema)

    def sampler(self, arrays: Mapping[str, np.ndarray]) -> Sampler:
        """A sampler of the server's averaged generator; of its own where generators are not shared."""
        if "average" in self._own:
            arrays = self.parts[max(self.parts)] if self.parts else arrays_of(self.first, ("average",))
        sampler = self.known.sampler
        sampler.parameters = with_arrays(self.first, ("average",), arrays).average
        return sampler

    def sample(self, rows: int) -> bytes:
        """Rows of its own generator, as an Arrow stream."""
        made = self.sampler({}).sample(rows, self.seed)
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, made.schema) as stream:
            stream.write_table(made)
        sent = out.getvalue().to_pybytes()
        self.sent(0, "rows", [f"{rows:,} generated rows"], len(sent))
        return sent

    def sent(self, number: int, what: str, lines: list[str], size: int) -> None:
        """Write down what leaves, and say it the first time."""
        row = {"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "round": number, "what": what, "bytes": size, "lines": lines}
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / SENT).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        if self.show and number <= 1:
            log.info("site %s sends %s, %s bytes:", self.name, what, f"{size:,}")
            for line in lines:
                log.info("  %s", line)


def steps_of(gan: GAN) -> Callable[[TrainState, Rows, int], tuple[TrainState, dict[str, Any]]]:
    """Steps of one site by itself: (state, rows, steps) -> (state, mean metrics), on the host."""
    block = jax.jit(make_block(gan), donate_argnums=0)
    return lambda state, rows, steps: jax.device_get(block(jax.device_put(state), rows, np.int32(steps)))


def _pulled_to(state: TrainState) -> TrainState:
    """With optimisers that pull towards the parameters that the round begins with."""
    return state.replace(
        generator_optimizer=state.generator_optimizer._replace(shared=state.generator),
        discriminator_optimizer=state.discriminator_optimizer._replace(shared=state.discriminator),
    )


def attempt(name: str, act: Callable[[], Any]) -> tuple[Any, str]:
    """What a site does, and why it cannot, in one line; "" where it can."""
    try:
        return act(), ""
    except Exception as error:  # of any kind: Flower would send it to the server as it is
        log.warning("site %s: %s", name, one_line(error))
        return None, one_line(error)
