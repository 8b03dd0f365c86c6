"""The server: it asks sites, puts their networks together, and never sees a row."""

import logging
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from gans.artefacts import parse_json
from gans.data.schema import arrow_type
from gans.errors import UserError
from gans.federated.agreed import Agreed
from gans.federated.agreement import NAME, Description
from gans.federated.arrays import Arrays, arrays_of, bytes_of, tree_of, unusable, with_arrays, with_tree
from gans.federated.messages import (
    COUNT,
    DESCRIBE,
    EVALUATE,
    JOIN,
    SAMPLE,
    TRAIN,
    arrays_in,
    content,
    counts_in,
    metrics_in,
    said_in,
)
from gans.federated.settings import Federation
from gans.federated.site_ledger import measured_together
from gans.federated.strategy import Aggregation
from gans.federated.weights import weights_of
from gans.training.column_shares import fit_columns, shares_of
from gans.training.loop import Best, initial_state
from gans.training.marginal_matching import Measurements
from gans.training.step import TrainState

log = logging.getLogger("gans")

PARTS = ("generator", "statistics", "discriminator", "average")
LEAST_WAIT = 0.5  # seconds between two looks for sites


class Sites:
    """The sites as the server knows them: nodes of a grid of Flower, with the names that they gave."""

    def __init__(self, grid: Any, federation: Federation) -> None:
        self.grid, self.federation = grid, federation
        self.names: dict[int, str] = {}
        self.failed: dict[int, str] = {}  # why sites could not do what they were asked last

    def ask(self, kind: str, made: Any, nodes: Iterable[int]) -> dict[int, Any]:
        """The answers by node; a site that did not answer in time, or failed, is said and left out."""
        from flwr.app import Message

        nodes, found, self.failed = list(nodes), {}, {}
        messages = [Message(made, node, kind) for node in nodes]
        for one in self.grid.send_and_receive(messages, timeout=self.federation.timeout):
            node = one.metadata.src_node_id
            if one.has_error():
                log.warning("site %s left out: %s", self.names.get(node, node), one.error.reason)
            elif reason := said_in(one).get("error"):
                log.warning("site %s left out: %s", self.names.get(node, said_in(one).get("site", node)), reason)
                self.failed[node] = f"site {said_in(one).get('site', node)}: {reason}"
            else:
                found[node] = one
        for node in set(nodes) - found.keys() - self.failed.keys():
            log.warning("site %s left out: no answer", self.names.get(node, node))
        return found

    def wait(self) -> list[int]:
        """The nodes that are there, once there are enough.

        Raises:
            UserError: there are not in time.
        """
        until, least = time.monotonic() + self.federation.timeout, self.federation.sites
        while len(nodes := list(self.grid.get_node_ids())) < least:
            if until - time.monotonic() > self.federation.timeout - LEAST_WAIT:
                log.info("waiting for %s sites, %s are there", least, len(nodes))
            if time.monotonic() > until:
                raise UserError(
                    f"federated.sites={least}: {len(nodes)} are there after {self.federation.timeout:g} seconds."
                )
            time.sleep(LEAST_WAIT)
        return nodes

    def describe(self) -> list[Description]:
        """What all sites tell of their columns, in the order of their names.

        Raises:
            UserError: a site cannot, or two have one name.
        """
        nodes = self.wait()
        answers = self.ask(DESCRIBE, content(federation=self.federation.to_json()), nodes)
        for reason in self.failed.values():
            raise UserError(f"{reason}.")
        if len(answers) < self.federation.sites:
            raise UserError(f"federated.sites={self.federation.sites}: {len(answers)} answered.")
        found = []
        for node, one in answers.items():
            try:
                told = Description.from_json(parse_json(str(said_in(one).get("description"))))
            except ValueError as error:
                raise UserError(f"a site sent no description of a table ({error}).") from None
            if told.name in self.names.values():
                raise UserError(f"two sites are named {told.name}.")
            self.names[node] = told.name
            found.append(told)
        self.names.clear()  # they have yet to join
        return sorted(found, key=lambda told: told.name)

    def join(self, agreed: Agreed) -> list[int]:
        """The nodes that take part; those that came since, or came back, are told first what was agreed on."""
        here = list(self.grid.get_node_ids())
        self.names = {node: name for node, name in self.names.items() if node in here}
        if new := [node for node in here if node not in self.names]:
            answers = self.ask(JOIN, content(agreement=agreed.packed()), new)
            for node, one in answers.items():
                name = str(said_in(one).get("site", ""))
                if not re.fullmatch(NAME, name) or name in self.names.values():
                    log.warning("site %r left out: it has no name, or that of another", name[:80])
                    continue
                self.names[node] = name
        return [node for node in here if node in self.names]


class Server:
    """The networks at the server, and what a round does to them.

    Attributes:
        state: shared networks, and the averaged generator; of what is not shared, what it began as.
        number: of rounds done.
        sent: bytes that sites sent.
        scores: of the last round that was scored.
    """

    def __init__(self, agreed: Agreed, descriptions: list[Description], sites: Sites) -> None:
        self.agreed, self.sites, self.federation = agreed, sites, agreed.federation
        self.descriptions = descriptions
        self.counts: dict[str, np.ndarray] = {}  # noisy ones of a private run, by site
        self.state: TrainState = initial_state(agreed.gan, agreed.run.seed, 1)
        self.rows = {one.name: float(one.rows) for one in descriptions}
        self.weights = {} if agreed.private else weights_of(descriptions, self.federation.weights)
        self.aggregation = Aggregation(self.federation)
        self.number, self.sent, self.seconds = 0, 0, 0.0
        self.scores: dict[str, float] = {}
        average = jax.tree.map(lambda leaf: np.array(leaf)[None], self.state.average)
        self.best = Best(average, np.zeros(1, np.int64), np.full(1, np.nan))

    def round(self) -> dict[str, float]:
        """Have all sites train, and put their networks together; metrics of the round.

        Raises:
            UserError: too few sites sent networks that can be used.
        """
        began, number = time.monotonic(), self.number + 1
        nodes, counts = self.sites.join(self.agreed), None
        if self.agreed.private:
            nodes, counts = self._count(nodes)
        shared = arrays_of(self.state, self.federation.shared)
        answers = self.sites.ask(TRAIN, content(shared, counts, round=number), nodes)
        usable: dict[str, Arrays] = {}
        metrics: dict[str, float] = {}
        for node, one in sorted(answers.items(), key=lambda pair: self.sites.names[pair[0]]):
            name, arrays = self.sites.names[node], _readable(one)
            self.sent += bytes_of(arrays)
            if reason := unusable(arrays, shared):
                log.warning("site %s left out of round %s: %s", name, number, reason)
                continue
            usable[name] = arrays
            metrics |= {f"site/{name}/{key}": value for key, value in metrics_in(one).items()}
        if len(usable) < self.federation.sites:
            raise UserError(
                f"round {number}: {len(usable)} sites sent networks; federated.sites={self.federation.sites} are due."
            )
        self._take(self.aggregation.together(number, shared, usable, self.weights))
        self.number = number
        seconds = time.monotonic() - began
        self.seconds += seconds
        return metrics | {
            "sites": float(len(usable)),
            "bytes": float(self.sent),
            "seconds": self.seconds,
            "round_seconds": seconds,
        }

    def _count(self, nodes: list[int]) -> tuple[list[int], np.ndarray]:
        """The nodes whose noisy counts are known, those of new ones being asked for; and the counts of all sites.

        A run begins with a generator that answers these, and sites count by the rows that they tell of.

        Raises:
            UserError: too few sites told counts.
        """
        names = self.sites.names
        levels = sum(self.agreed.saved.codec.layout.cardinalities)
        new = [node for node in nodes if names[node] not in self.counts]
        for node, one in self.sites.ask(COUNT, content(), new).items():
            if reason := unusable({"counts": counts_in(one)}, {"counts": np.zeros(levels)}):
                log.warning("site %s left out: %s", names[node], reason)
                continue
            self.counts[names[node]] = counts_in(one).astype(float)
        if len(self.counts) < self.federation.sites:
            raise UserError(f"federated.sites={self.federation.sites}: {len(self.counts)} told noisy counts.")
        self.rows = {name: measured_together(self.agreed, [own]).rows for name, own in self.counts.items()}
        known = self.rows if self.federation.weights == "size" else dict.fromkeys(self.rows, 1.0)
        self.weights = {name: value / sum(known.values()) for name, value in known.items()}
        measured = self.measured
        if self.number == 0:
            self.state = fit_columns(self.agreed.gan, self.state, shares_of(measured))
        return [node for node in nodes if names[node] in self.counts], measured.single

    @property
    def measured(self) -> Measurements:
        """What the noisy counts of a private run say of the rows of all sites."""
        return measured_together(self.agreed, list(self.counts.values()))

    def _take(self, shared: Arrays) -> None:
        """The shared networks after a round, and the generator's average towards them.

        decay = min(average^steps, (1 + round) / (10 + round)), where a round has so many steps.
        """
        state, number = with_arrays(self.state, self.federation.shared, shared), self.number
        decay = min(self.agreed.run.trainer.average**self.federation.local_steps, (1 + number) / (10 + number))
        average = jax.tree.map(
            lambda old, new: (decay * old + (1 - decay) * new).astype(old.dtype), self.state.average, state.variables
        )
        self.state = state.replace(average=average)

    def evaluate(self) -> dict[str, float]:
        """Scores of the averaged generator at each site, and over all: by the sites' held-out rows.

        The best generator is kept. In a private run there are none: a score is a look at the rows.
        """
        if self.agreed.private:
            return {}
        arrays = arrays_of(self.state, ("average",))
        made = content(arrays if self.federation.share != "discriminator" else {}, round=self.number)
        answers = self.sites.ask(EVALUATE, made, self.sites.join(self.agreed))
        found = {self.sites.names[node]: metrics_in(one) for node, one in answers.items()}
        told = {one.name: float(one.holdout) for one in self.descriptions}
        rows = {name: told.get(name, 1.0) for name in found}
        out = {f"site/{name}/{key}": value for name, scores in found.items() for key, value in scores.items()}
        for key in sorted({key for scores in found.values() for key in scores}):
            own = {name: scores[key] for name, scores in found.items() if np.isfinite(scores.get(key, np.nan))}
            if not (weight := sum(rows[name] for name in own)):
                continue
            mean = sum(rows[name] * value for name, value in own.items()) / weight
            robust = self.federation.strategy in ("trimmed_mean", "krum")  # a made-up score must not choose
            out[f"holdout/{key}"] = float(np.median(list(own.values()))) if robust else mean
        self.scores = out
        if self.federation.share != "discriminator":  # else there is no generator here
            trainer = self.agreed.run.trainer
            value = np.array([out.get(f"holdout/{trainer.best}", np.nan)])
            average = jax.tree.map(lambda leaf: np.asarray(leaf)[None], self.state.average)
            self.best.update(self.step, value, trainer.direction, average)
        return out

    def rows_of_sites(self, rows: int) -> pa.Table:
        """Rows that the sites' own generators made, of each as many as it has a share of all rows.

        Raises:
            UserError: no site sent any.
        """
        shares = {name: own / sum(self.rows.values()) for name, own in self.rows.items()}
        nodes, tables = self.sites.join(self.agreed), []
        kinds = pa.schema([(column.name, arrow_type(column.type)) for column in self.agreed.saved.schema.kept])
        for node in nodes:
            count = max(round(rows * shares.get(self.sites.names[node], 0.0)), 1)
            for one in self.sites.ask(SAMPLE, content(rows=count), [node]).values():
                try:
                    with pa.ipc.open_stream(said_in(one)["rows"]) as stream:
                        made = stream.read_all().select(kinds.names).cast(kinds).slice(0, count)
                        made.validate(full=True)
                        tables.append(made)
                except (KeyError, TypeError, ValueError, OSError, pa.ArrowException) as error:
                    log.warning("site %s left out: its rows are not of the table (%s)", self.sites.names[node], error)
        if not tables:
            raise UserError("no site sent rows of its generator.")
        return pa.concat_tables(tables)

    def settle(self) -> None:
        """Keep the last generator where none could be scored."""
        if self.federation.share != "discriminator" and not self.best.step.any():
            self.best.generator = jax.tree.map(lambda leaf: np.asarray(leaf)[None], self.state.average)
            self.best.step[:] = self.step

    @property
    def step(self) -> int:
        """Generator updates of each site so far."""
        return self.number * self.federation.local_steps

    def tree(self) -> dict[str, Any]:
        """As it lies in a checkpoint. A run goes on from `state` only where both networks are the server's."""
        parts = dict.fromkeys((*self.federation.shared, *PARTS))
        networks = "state" if self.federation.share == "both" else "server"
        moments = {name: _by_part(arrays) for name, arrays in self.aggregation.moments.items()}
        return {networks: tree_of(self.state, parts), "best": self.best.tree(), "moments": moments}

    def record(self) -> dict[str, Any]:
        """Beside the tree."""
        found = {"round": self.number, "sent": self.sent, "seconds": self.seconds, "scores": self.scores}
        return found | {"counts": {name: own.tolist() for name, own in self.counts.items()}}

    def restore(self, tree: Mapping[str, Any], record: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.state = with_tree(self.state, tree.get("state") or tree["server"])
        best = tree["best"]
        self.best.generator = jax.tree.map(np.array, best["generator"])
        self.best.step, self.best.value = np.array(best["step"]), np.array(best["value"])
        self.aggregation.moments = {
            name: {f"{part}/{path}": array for part, arrays in parts.items() for path, array in arrays.items()}
            for name, parts in (tree.get("moments") or {}).items()
        }
        self.number, self.sent, self.seconds = int(record["round"]), int(record["sent"]), float(record["seconds"])
        self.scores = dict(record["scores"])
        self.counts = {name: np.array(own) for name, own in record.get("counts", {}).items()}


def _by_part(arrays: Arrays) -> dict[str, Arrays]:
    """Arrays by their part of the state; a slash is not allowed in a checkpoint's names."""
    out: dict[str, Arrays] = {}
    for path, array in arrays.items():
        part, _, rest = path.partition("/")
        out.setdefault(part, {})[rest] = np.asarray(array)
    return out


def _readable(message: Any) -> Arrays:
    """The arrays of an answer; none where its bytes are no arrays."""
    try:
        return arrays_in(message)
    except Exception as error:  # numpy's own, of what a site made up
        log.warning("an answer cannot be read (%s)", error)
        return {}
