"""What is judged: the samples of a run, of each of its seeds, several times; or files."""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from gans.artefacts import read_json, reading
from gans.data.codecs.images import brightness
from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.data.personal.handling import Handling
from gans.data.schema import Schema
from gans.errors import UserError, in_range, one_line
from gans.evaluation.images import read_array
from gans.evaluation.inputs import Tables, read_sides
from gans.runs.files import RunFiles
from gans.runs.saved import SavedRun
from gans.streams import derived_seed

log = logging.getLogger("gans")

ROWS = 10_000  # of a sample, where the run has none


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


@dataclass
class RealTables:
    """What synthetic rows of a run are compared with."""

    training: pa.Table
    test: pa.Table | None
    schema: Schema
    target: str


def subjects(given: Mapping[str, Any]) -> Iterator[Subject]:
    """The subjects that the arguments of gans.evaluate name; the first one is the one that is shown.

    Raises:
        UserError: a file or the run cannot be read, or the tables do not fit each other.
    """
    secrets = given.get("secrets", [])
    interpreter = given.get("anonymeter")
    if "run" not in given:
        real = read_given(given, "real")
        schema = detect(real, given["kinds"], given.get("drop", []), Handling(keep=given.get("keep", [])))
        tables = read_sides(
            schema,
            real,
            read_given(given, "synthetic", schema),
            read_given(given, "test", schema) if "test" in given else None,
            given.get("target", ""),
            secrets,
        )
        yield Subject(_name(given["synthetic"]), dataclasses.replace(tables, anonymeter=interpreter))
        return
    saved = SavedRun.open(given["run"])
    known = real_tables(given, saved)

    def beside(synthetic: pa.Table) -> Tables:
        real = known.schema, known.training, synthetic, known.test
        try:
            tables = read_sides(*real, given.get("target", known.target), secrets)
        except UserError as error:
            if "target" in given or not known.target:
                raise
            tables = read_sides(*real, "", secrets)  # what else is wrong is wrong without it, too
            log.warning("utility: left out, %s", one_line(error))
        return dataclasses.replace(tables, anonymeter=interpreter)

    if "synthetic" in given:
        yield Subject(_name(given["synthetic"]), beside(read_given(given, "synthetic", saved.schema)))
        return
    yield from _samples(given, saved, beside)


def _name(source: str | pa.Table) -> str:
    return "synthetic" if isinstance(source, pa.Table) else Path(source).name


def _samples(given: Mapping[str, Any], saved: SavedRun, beside: Callable[[pa.Table], Tables]) -> Iterator[Subject]:
    """The best seed first, its first sample being that of the run; then its other draws, then the other seeds."""
    samples, run = saved.samples, saved.run
    rows = given.get("n", ROWS if samples is None else samples.num_rows)
    in_range("n", rows, 1)
    best = saved.best_member
    members = [best, *(member for member in range(saved.members) if member != best)]
    for member in members if given.get("members") == "all" else members[:1]:
        seed = run.seed + member
        try:
            sampler = saved.sampler(member)
        except UserError as error:
            if member == best:
                raise
            log.warning("seed %s is left out: %s", seed, error)
            continue
        for draw in range(given.get("draws", 1)):
            first = draw == 0 and member == best
            if first and samples is not None and "n" not in given:
                table = samples
            else:
                table = sampler.sample(rows, run.seed if first else derived_seed("draw", run.seed, member, draw))
            yield Subject(f"seed {seed}, draw {draw}", beside(table), seed, draw)


def real_tables(given: Mapping[str, Any], saved: SavedRun) -> RealTables:
    """The tables of a run, or the files that were given in their place.

    Raises:
        UserError: the run's table is not there any more, or is another one, or its config is a stranger's.
    """
    run, schema, trust = saved.run, saved.schema, bool(given.get("trust"))
    test = read_given(given, "test", schema) if "test" in given else None
    if "real" in given:
        target = run.data.target if run.data.target in [column.name for column in schema.kept] else ""
        return RealTables(read_given(given, "real", schema), test, schema, target)
    training, holdout = saved.table(trust)
    return RealTables(training, holdout if test is None else test, schema, run.data.target)


def guarantee_of(given: Mapping[str, Any]) -> dict[str, float] | None:
    """Epsilon and delta of the private run whose rows are judged; None of other rows.

    Raises:
        UserError: the run's ledger is damaged.
    """
    if "run" not in given or "synthetic" in given:
        return None
    path = RunFiles(Path(given["run"]).expanduser()).privacy
    if not path.is_file():
        return None
    with reading(path, "the ledger of a run"):
        return {name: float(read_json(path)["guarantee"][name]) for name in ("epsilon", "delta")}


def read_given(given: Mapping[str, Any], key: str, schema: Schema | None = None) -> pa.Table:
    """The table of the file that a key names, or the table that was given.

    Args:
        schema: of the table that a text file should be like.

    Raises:
        UserError: it cannot be read.
    """
    if isinstance(given[key], pa.Table):
        try:
            return normalise(given[key])
        except UserError as error:
            raise UserError(f"{key}: {error}") from None
    try:
        known = {column.name: column for column in schema.kept} if schema else None
        return normalise(read_table(given[key], key, given.get("data"), known))
    except UserError as error:
        text = str(error)
        raise UserError(text if text.startswith(key) else f"{key}={given[key]}: {text}") from None


def read_images(given: Mapping[str, Any]) -> "dict[str, Any] | None":
    """Real and synthetic images [images, height, width, channels] in [0, 1] of what gans.evaluate was given.

    None where that is no images: a run on a table, or files of tables.

    Raises:
        UserError: a file is missing or damaged, or holds no images.
    """
    if "run" in given:
        saved = SavedRun.open(given["run"])
        if not saved.schema.images:
            return None
        _check_keys(given, ("run", "trust"))
        return _images_of(saved, bool(given.get("trust")))
    if not given["real"].endswith(".npy"):
        return None
    _check_keys(given, ("real", "synthetic"))
    return {key: read_array(given[key], key) for key in ("real", "synthetic")}


def _check_keys(given: Mapping[str, Any], sources: tuple[str, ...]) -> None:
    other = [key for key in given if key not in (*sources, "network", "out", "kinds", "data")]
    if other:
        raise UserError(f"{other[0]}: for images allowed are {', '.join(sources)}, network and out.")


def _images_of(saved: SavedRun, trust: bool) -> dict[str, Any]:
    (column,) = saved.schema.images
    if saved.samples is None:
        raise UserError(f"run={saved.folder}: it has no samples yet; resume the run.")
    tables = {
        "real": saved.split(trust, "give the images as real=FILE.npy and synthetic=FILE.npy").training,
        "synthetic": saved.samples,
    }
    return {key: brightness(table[column.name], column) for key, table in tables.items()}
