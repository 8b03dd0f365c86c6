"""A run on disk, opened: its config, schema, best generator, sampler, summary, samples and tables."""

import copy
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import pyarrow as pa
from flax.serialization import to_state_dict

from gans.artefacts import read_json, read_parquet, reading
from gans.config.components import component_name
from gans.config.run import Run
from gans.config.stored import read_run
from gans.data.base import Source, Split
from gans.data.codecs import FittedCodec
from gans.data.schema import Schema
from gans.errors import UserError, in_range
from gans.runs.build import build
from gans.runs.files import CONFIG, RunFiles
from gans.runs.find import no_such_run
from gans.runs.provenance import made_here
from gans.runs.snapshots import Snapshots
from gans.sampling.marginals import Marginals
from gans.sampling.sampler import Sampler
from gans.tracking.jsonl import read_lines
from gans.training.checkpoints import Checkpoints
from gans.training.parameter_axes import leaves
from gans.training.size import check_generator
from gans.training.step import GAN
from gans.words import ENGLISH, check_language

UNKNOWN = "this machine has no record of creating this run (an older version may have, or its config was changed)"


class SavedRun:
    """A run directory; each of its files is read when it is asked for, and once."""

    def __init__(self, folder: Path) -> None:
        self.files = RunFiles(folder)

    @classmethod
    def open(cls, path: str | Path, key: str = "run") -> "SavedRun":
        """The run in a folder. Nothing in it is executed.

        Args:
            key: under which the folder was given, for messages.

        Raises:
            UserError: there is no such folder, no run in it, or a run of histories, which is not one of a table.
        """
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise no_such_run(path, key)
        if not RunFiles(folder).begun:
            raise UserError(f"{key}={path}: it is no run directory; one holds {CONFIG}.")
        if RunFiles(folder).histories.is_file():
            raise UserError(
                f"{key}={path}: it is a run of histories, for gans sample and gans evaluate; the run of its customers, "
                f"one row each, is {key}={RunFiles(folder).customers}."
            )
        return cls(folder)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.files.folder

    @cached_property
    def run(self) -> Run:
        """Its config.

        Raises:
            UserError: the file does not follow the schema of a run.
        """
        return read_run(self.files.config)

    @cached_property
    def schema(self) -> Schema:
        """The columns of its table.

        Raises:
            UserError: the file is missing or damaged.
        """
        return Schema.read(self.files.schema)

    @cached_property
    def summary(self) -> dict[str, Any]:
        """How it ended; empty where it has not.

        Raises:
            UserError: the file is damaged.
        """
        return _read_json(self.files.summary)

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """What `gans.evaluate` found; empty where nothing was evaluated.

        Raises:
            UserError: the file is damaged.
        """
        return _read_json(self.files.evaluation)

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """Its metrics, a row for each look of the host."""
        return read_lines(self.files.metrics)

    @cached_property
    def snapshots(self) -> Snapshots:
        """What its generator made at some of the steps."""
        return Snapshots(self.files.snapshots)

    @cached_property
    def samples(self) -> pa.Table | None:
        """Rows of the best generator; None where the run has not ended.

        Raises:
            UserError: the file is damaged, asks for too much memory, or has not the columns of the run.
        """
        if not self.files.samples.is_file():
            return None
        table, names = read_parquet(self.files.samples), [column.name for column in self.schema.kept]
        if table.column_names != names:
            raise UserError(
                f"{self.files.samples}: its columns are {', '.join(table.column_names)}; the run's are not."
            )
        return table

    @cached_property
    def codec(self) -> FittedCodec:
        """The fitted codec.

        Raises:
            UserError: the file is missing or damaged.
        """
        return FittedCodec.load(self.files.codec, self.schema)

    @property
    def members(self) -> int:
        """How many seeds it trained at once."""
        return len(self._best["value"])

    @property
    def best_member(self) -> int:
        """The place of the seed that scored best on held-out rows, whose rows its samples are.

        Raises:
            UserError: there is no checkpoint.
        """
        return self.run.trainer.best_member(self._best["value"])

    def sampler(self, member: int | None = None) -> Sampler:
        """A sampler of its best generator. Needs no training table.

        Args:
            member: which of several seeds, by place; None for the one that scored best. Others are not refined.

        Raises:
            UserError: a file is missing or damaged, there is no checkpoint, or the member is not there.
        """
        sampler, best = copy.copy(self.blank_sampler), self._best
        member = self.best_member if member is None else member
        in_range("member", member, 0, self.members - 1)
        if not best["step"][member] > 0:
            raise UserError(
                f"run={self.folder}: it has not been scored yet, so that there is no best generator; go on with the "
                "run."
            )
        sampler.parameters = jax.tree.map(lambda leaf: leaf[member], best["generator"])
        if member == self.best_member:  # it was learned on the rows of that one
            sampler.refinement = self.run.refine.load(self.files.refinement, self.codec)
        return sampler

    @cached_property
    def blank_sampler(self) -> Sampler:
        """A sampler without parameters; its members share what it compiles."""
        self.run.trainer.prepare_cache()
        marginals = Marginals.load(self.files.marginals, self.codec)
        return Sampler(self.gan, self.codec, self.gan.condition, marginals)

    @property
    def gan(self) -> GAN:
        """The parts of its variant.

        Raises:
            UserError: the file of the condition is missing or damaged, or the generator does not fit into memory.
        """
        return self._gan_and_shapes[0]

    @cached_property
    def _gan_and_shapes(self) -> tuple[GAN, Any]:
        """The parts of its variant, and the shapes of its generator."""
        condition = self.run.condition.fitted.load(self.files.condition, self.codec, self.run.condition)
        with reading(self.files.config, "the config of this run"):
            gan = build(self.run, condition)
            return gan, check_generator(gan, str(self.files.config))

    @property
    def state(self) -> dict[str, Any]:
        """The last state of training of the seed that scored best, as nested dictionaries.

        Raises:
            UserError: there is no checkpoint, or it holds a generator alone.
        """
        if "state" not in self._newest:
            raise UserError(f"run={self.folder}: its checkpoint holds no state of training, only a generator.")
        member, state = self.best_member, self._newest["state"]
        return state if self.members == 1 else jax.tree.map(lambda leaf: leaf[member], state)

    @property
    def _best(self) -> dict[str, Any]:
        """The best generator of each seed, with the step and the value of its score, from the newest checkpoint."""
        return self._newest["best"]

    @cached_property
    def _newest(self) -> dict[str, Any]:
        """The tree of the newest checkpoint."""
        seeds = self.run.trainer.seeds
        shapes = {"best.step": (seeds,), "best.value": (seeds,)}
        for path, leaf in leaves(to_state_dict(self._gan_and_shapes[1])):
            shapes[f"best.generator.{path}"] = (seeds, *leaf.shape)
        checkpoints = Checkpoints(self.files.checkpoints)
        try:
            newest = checkpoints.latest(shapes)
        finally:
            checkpoints.close()
        if newest is None:
            raise UserError(f"run={self.folder}: it holds no checkpoint yet.")
        return newest[1]

    @cached_property
    def made_here(self) -> bool:
        """Whether this machine made it, by the signed record."""
        return made_here(self.files)

    def split(self, trust: bool = False, remedy: str = "give real=FILE and test=FILE") -> Split:
        """Its table, read again from where its config says it is, and cut.

        Args:
            trust: whether the person vouches for its config; else only what this machine wrote itself is followed.
            remedy: what to give in the place of the table, for the message.

        Raises:
            UserError: nobody vouches for what its config names, or that cannot be read.
        """
        if self.run.privacy.private:
            raise UserError(f"run={self.folder}: a private run does not read its rows again; {remedy}.")
        if self.schema.frame:
            raise UserError(f"run={self.folder}: it was trained on a frame, which its config does not name; {remedy}.")
        source = self.run.data
        if not (trust or source.self_contained or self.made_here):
            raise UserError(
                f"run={self.folder}: {UNKNOWN}, so {named(source)} from its config is not read; {remedy}, or "
                "set trust=true if you know who made it."
            )
        return source.split()

    def table(self, trust: bool = False) -> tuple[pa.Table, pa.Table]:
        """Its training rows and its held-out rows, read again from where its config says they are.

        Args:
            trust: whether the person vouches for its config.

        Raises:
            UserError: nobody vouches for what its config names; the table is not there any more, or is another one.
        """
        split = self.split(trust)
        try:
            rows = self.summary["rows"]["training"]
        except (UserError, KeyError, TypeError):  # a run that is not finished, or a damaged file
            rows = split.training.num_rows
        columns = [[(column.name, column.kind) for column in schema.columns] for schema in (self.schema, split.schema)]
        if columns[0] != columns[1] or rows != split.training.num_rows:
            raise UserError(
                f"run={self.folder}: it was trained on another table ({rows:,} rows) than its config names "
                f"({split.training.num_rows:,} rows); set real=FILE, and test=FILE."
            )
        return split.training, split.holdout


def named(source: Source) -> str:
    """What a source reads, as KEY=VALUE, fit for a line on a terminal."""
    pairs = [f"{key}={value[:100]}{'...' * (len(value) > 100)}" for key, value in source.places().items()]
    text = " ".join(pairs) or f"data={component_name('data', type(source))}"
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _read_json(path: Path) -> dict[str, Any]:
    """The content of a file of JSON; empty where there is none.

    Raises:
        UserError: it is damaged.
    """
    if not path.is_file():
        return {}
    found = read_json(path)
    if not isinstance(found, dict):
        raise UserError(f"{path}: not that of a run.")
    return found


def language_of(given: Mapping[str, Any]) -> str:
    """The language that the keys of a command ask for, else that of their run, else English.

    Raises:
        UserError: it is none of them, or the run cannot be read.
    """
    if "language" in given:
        check_language(given["language"])
        return given["language"]
    if "run" not in given:
        return ENGLISH
    files = RunFiles(Path(given["run"]).expanduser())
    of_rows = files.customers if files.histories.is_file() else given["run"]
    return SavedRun.open(of_rows).run.language
