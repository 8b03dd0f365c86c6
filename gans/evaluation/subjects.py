"""What is judged: the samples of a run, of each of its seeds, several times; or files."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from gans.command import listed
from gans.data.schema import Schema, detect, normalise
from gans.errors import UserError, in_range
from gans.evaluation.inputs import Tables, read_sides
from gans.files import UNREADABLE

log = logging.getLogger("gans")


@dataclass
class Subject:
    """A synthetic table with what it is compared with.

    Attributes:
        name: for people.
        seed: of training; None for a file.
        draw: number of the sample.
    """

    name: str
    tables: Tables
    seed: int | None = None
    draw: int = 0


def subjects(given: Mapping[str, Any]) -> Iterator[Subject]:
    """The subjects that the arguments of gans.evaluate name; the first one is the one that is shown.

    Raises:
        UserError: a file or the run cannot be read, or the tables do not fit each other.
    """
    secrets, drop = (listed(given.get(key, "")) for key in ("secrets", "drop"))
    if "run" not in given:
        real = read_given(given, "real")
        tables = read_sides(
            detect(real, given["kinds"], drop),
            real,
            read_given(given, "synthetic"),
            read_given(given, "test") if "test" in given else None,
            given.get("target", ""),
            secrets,
        )
        yield Subject(Path(given["synthetic"]).name, tables)
        return
    run_dir = Path(given["run"]).expanduser()
    if not run_dir.is_dir():
        raise UserError(f"run={given['run']}: no such folder.")
    real, test, schema, target = real_tables(given, run_dir)

    def beside(synthetic: pa.Table) -> Tables:
        return read_sides(schema, real, synthetic, test, given.get("target", target), secrets)

    if "synthetic" in given:
        yield Subject(Path(given["synthetic"]).name, beside(read_given(given, "synthetic")))
        return
    yield from _samples(given, run_dir, beside)


def _samples(given: Mapping[str, Any], run_dir: Path, beside: Callable[[pa.Table], Tables]) -> Iterator[Subject]:
    """The best seed first, its first sample being samples.parquet; then its other draws, then the other seeds."""
    import pyarrow.parquet as pq

    from gans.sampling import load_sampler

    path = run_dir / "samples.parquet"
    samples = pq.read_table(path) if path.is_file() else None
    sampler, run = load_sampler(run_dir)
    run.trainer.prepare_cache()
    rows = given.get("n", 10_000 if samples is None else samples.num_rows)
    in_range("n", rows, 1)
    best = _best_member(run_dir)
    members = [best, *(member for member in range(run.trainer.seeds) if member != best)]
    for member in members if given.get("members") == "all" else members[:1]:
        seed = run.seed + member
        if member != best:
            try:
                sampler, _ = load_sampler(run_dir, member)
            except UserError as error:
                log.warning("seed %s is left out: %s", seed, error)
                continue
        for draw in range(given.get("draws", 1)):
            as_written = draw == 0 and member == best and samples is not None and "n" not in given
            table = samples if as_written else sampler.sample(rows, run.seed + draw)
            assert table is not None
            yield Subject(f"seed {seed}, draw {draw}", beside(table), seed, draw)


def _best_member(run_dir: Path) -> int:
    """The place of the seed that samples.parquet comes from."""
    from gans.config import read_run
    from gans.training.checkpoints import Checkpoints

    checkpoints = Checkpoints(run_dir / "checkpoints")
    try:
        found = checkpoints.latest()
    finally:
        checkpoints.close()
    assert found is not None  # load_sampler has read it
    return read_run(run_dir / "config.yaml").trainer.best_member(found[1]["best"]["value"])


def real_tables(given: Mapping[str, Any], run_dir: Path) -> tuple[pa.Table, pa.Table | None, Schema, str]:
    """Training rows, test rows, schema and target of a run.

    Raises:
        UserError: the run's table is not there any more, or is another one.
    """
    from gans.config import read_run

    run = read_run(run_dir / "config.yaml")
    schema = Schema.read(run_dir / "schema.json")
    test = read_given(given, "test") if "test" in given else None
    if "real" in given:
        target = run.data.target if run.data.target in [column.name for column in schema.kept] else ""
        return read_given(given, "real"), test, schema, target
    split = run.data.split()
    try:
        rows = json.loads((run_dir / "summary.json").read_text())["rows"]["training"]
    except UNREADABLE:  # a run that is not finished, or a damaged file
        rows = split.training.num_rows
    names = [(column.name, column.kind) for column in schema.columns]
    if names != [(column.name, column.kind) for column in split.schema.columns] or rows != split.training.num_rows:
        raise UserError(
            f"run={given['run']}: it was trained on another table ({rows:,} rows) than its config.yaml names "
            f"({split.training.num_rows:,} rows); set real=FILE, and test=FILE."
        )
    return split.training, split.holdout if test is None else test, schema, run.data.target


def read_given(given: Mapping[str, Any], key: str) -> pa.Table:
    """The table of the file that a key names.

    Raises:
        UserError: it cannot be read.
    """
    from gans.data.files import read_table

    try:
        return normalise(read_table(given[key], key))
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(key) else f"{key}={given[key]}: {text}") from None
