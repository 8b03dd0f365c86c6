"""A table made ready for training: everything that is learned from it is learned, and nothing is written yet."""

import dataclasses
import json
import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gans.conditions.base import FittedCondition
from gans.conditions.context import Context
from gans.config.run import Run
from gans.data.base import Split
from gans.data.codecs import FittedCodec
from gans.data.codecs.exclusions import exclude, exclusion_lines
from gans.data.layout import Encoded
from gans.data.personal.lines import kept_lines, left_out_lines
from gans.data.rare import rare_line
from gans.data.relations import find_relations
from gans.data.streaming import EncodedWindows, ParquetStream
from gans.errors import UserError
from gans.evaluation.fidelity import Reference
from gans.evaluation.metrics import TrainingJudge
from gans.runs.build import build
from gans.runs.earlier import earlier_values, replayed
from gans.runs.saved import SavedRun
from gans.sampling.marginals import Marginals, fit_marginals
from gans.sampling.sampler import Sampler
from gans.training.checkpoints import digest
from gans.training.step import Rows
from gans.training.windows import Windows

log = logging.getLogger("gans")


class DigestedRows(NamedTuple):
    """Training rows under the names that digests have."""

    scores: Any
    codes: Any
    condition: Any


@dataclass
class Prepared:
    """A table made ready for training: everything that is learned from it is learned, and nothing is written yet."""

    run: Run
    split: Split
    codec: FittedCodec
    condition: FittedCondition
    marginals: Marginals
    encoded: Encoded
    rows: Rows
    windows: Windows | None = None

    @cached_property
    def holdout(self) -> Reference:
        """The held-out rows as a reference."""
        return Reference(self.split.holdout, self.split.schema)

    @cached_property
    def training(self) -> Reference:
        """The training rows as a reference."""
        return Reference(self.split.training, self.split.schema)

    @cached_property
    def judge(self) -> TrainingJudge:
        """The metrics of the run, against the held-out rows."""
        return TrainingJudge(self.run.trainer.measured, self.split.holdout, self.split.schema)

    @cached_property
    def sampler(self) -> Sampler:
        """A sampler; its parameters are set when they are known."""
        return Sampler(build(self.run, self.condition), self.codec, self.condition, self.marginals)

    def lines(self) -> list[str]:
        """What was found in the table: columns, how they are learned, relations."""
        schema = self.split.schema
        learned = [line for column in self.codec.columns if (line := column.line())]
        between = [*self.codec.relations.lines(), *exclusion_lines(schema.relations)]
        data = self.run.data
        rare = rare_line(self.split.training, schema, data.rare, data.merge_rare)
        return [*schema.lines(), *learned, *between, *rare, *left_out_lines(schema)]

    def fingerprint(self) -> str:
        """A digest of the training table, encoded and how: a run goes on only with the table that it began with.

        Its names are those of the runs that lie on disks.
        """
        knots = [[k.values, k.low, k.high, c.atoms] for c in self.codec.columns for k in c.knots]
        words = [[c.column.name, c.column.type, list(map(str, c.levels)), c.origin, c.step] for c in self.codec.columns]
        words.append([self.codec.relations.to_json()])
        return digest(
            {
                "rows": DigestedRows(self.rows.scalars, self.rows.codes, self.rows.condition),
                "knots": knots,
                "words": np.frombuffer(json.dumps(words).encode(), np.uint8),
            }
        )


def prepare(run: Run, table: pa.Table | None = None, earlier: SavedRun | None = None) -> Prepared:
    """Read, split, fit the codec and the condition, encode.

    Args:
        earlier: the run that this one resumes: quantiles are learned from its values, too, and its generator's rows
            may be beside the training rows, which the networks see and nothing else does.

    Raises:
        UserError: the table cannot be read, or does not fit the config.
    """
    stream = run.data.streamed(table)
    run = dataclasses.replace(run, data=run.data.settled(stream))
    if stream:
        log.info(stream.line())
    return prepare_split(run, run.data.split(table), stream, earlier)


def prepare_split(
    run: Run,
    split: Split,
    stream: ParquetStream | None = None,
    earlier: SavedRun | None = None,
) -> Prepared:
    """`prepare`, of a table that is cut already.

    Raises:
        UserError: the table does not fit the config.
    """
    if isinstance(run.condition, Context):
        raise UserError(
            "condition=context: it is for the events of data=histories, which choose its columns themselves; for a "
            "table take condition=labels or subsets."
        )
    run.check(split)
    run, left_out = run.suited(split)
    for line in [*left_out, *kept_lines(split.schema)]:
        log.warning(line)
    relations = find_relations(split.training, split.schema, run.data.relations, run.condition.names())
    seen = split.training
    if earlier and run.transfer.replay:
        seen = pa.concat_tables([seen, replayed(earlier, run, seen)])
        for column in split.schema.features:
            column.missing = column.missing or bool(seen[column.name].null_count)
    values = earlier_values(earlier, run, split.training, split.schema) if earlier else None
    codec = run.codec.fit(seen, split.schema, relations, values)
    everything = codec.encode(seen, run.data.split_seed)
    codec, exclusions = exclude(codec, everything)
    encoded = Encoded(*(part[: split.training.num_rows] for part in everything))
    split.schema.relations = [*(r for r in relations.summary() if r["kind"] != "exclusion"), *exclusions]
    condition = run.condition.fit(codec, encoded)
    rest = condition.rest(encoded)
    known = {name: term.fit(condition.layout, rest) for name, term in run.term.items()}

    def rows(encoded: Encoded) -> Rows:
        rest = condition.rest(encoded)
        return Rows(rest.scalars, rest.codes, condition.known(encoded), known)

    windows = None
    if stream:
        source, trainer = EncodedWindows(stream, codec), run.trainer
        steps = stream.window // (trainer.batch_size * (trainer.critic_steps + trainer.generator_steps))
        windows = Windows(lambda number: rows(source.window(number)), max(steps, 1))
    marginals = fit_marginals(codec, encoded)
    return Prepared(run, split, codec, condition, marginals, encoded, rows(everything), windows)
