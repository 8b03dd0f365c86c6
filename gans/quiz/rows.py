"""The rows that a quiz may show: real ones that nothing was learned from, others, and rows of independent columns."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.schema import Schema
from gans.errors import UserError, one_line
from gans.evaluation.attacks import copies
from gans.evaluation.inputs import Tables, read_sides
from gans.runs.saved import SavedRun
from gans.runs.subjects import RealTables, read_given, real_tables
from gans.streams import derived_seed, host_stream

log = logging.getLogger("gans")

MOST_REAL = 10_000  # test rows that are drawn from
SPARE = 4  # times as many synthetic rows are sampled as are shown, since some may equal training rows


@dataclass
class Pools:
    """Rows to draw from, all with the columns of the schema.

    Attributes:
        real: test rows.
        other: rows of the other half: synthetic ones; test rows again, further ones, in the arm real.
        independent: of the values of test rows, each column in an order of its own.
        equal: how many rows were left out because they equal a training row, by side; None where that is not known.
        synthetic_rows: how many were looked at.
    """

    real: pa.Table
    other: pa.Table
    independent: pa.Table
    equal: dict[str, int] | None
    synthetic_rows: int


def open_pools(given: Mapping[str, Any], saved: SavedRun, real: int, other: int) -> Pools:
    """The rows of a run, at least so many real ones and so many others.

    A row that equals a training row is left out on both sides. On one side alone the halves would differ by that, and
    a generator that repeats training rows would pass for a good one.

    Raises:
        UserError: a table cannot be read, or there are too few rows.
    """
    seed, twice = given["seed"], given["arm"] == "real"
    tables = _tables(given, saved, other)
    compared = tables.test is not None
    test = tables.test if tables.test is not None else tables.real
    equal = None
    synthetic = tables.synthetic
    if compared:
        keep = {name: ~hits for name, hits in _equal(tables).items()}
        equal = {name: int((~kept).sum()) for name, kept in keep.items()}
        test, synthetic = test.filter(pa.array(keep["test"])), synthetic.filter(pa.array(keep["synthetic"]))
    needed = real + other * twice
    if test.num_rows < needed:
        left = f" ({equal['test']} more equal a training row)" if equal and equal["test"] else ""
        where = f"test={given['test']}" if "test" in given else f"run={given['run']}"
        raise UserError(
            f"{where}: it has {test.num_rows} held-out rows{left}, at least {needed} are needed; set test=FILE to more."
        )
    order = host_stream("quiz real rows", seed).permutation(test.num_rows)[: max(MOST_REAL, needed)]
    test = test.take(pa.array(order))
    independent = _independent(test, tables.schema, seed)
    if twice:
        return Pools(test.slice(0, real), test.slice(real), independent, equal, tables.synthetic.num_rows)
    if synthetic.num_rows < other:
        left = f", of which {equal['synthetic']} equal a training row," if equal and equal["synthetic"] else ""
        where = f"synthetic={given['synthetic']}" if "synthetic" in given else f"run={given['run']}"
        raise UserError(
            f"{where}: {tables.synthetic.num_rows} synthetic rows{left} are too few; at least {other} others are "
            "needed."
        )
    return Pools(test, synthetic, independent, equal, tables.synthetic.num_rows)


def _tables(given: Mapping[str, Any], saved: SavedRun, other: int) -> Tables:
    """Training rows, synthetic rows and test rows; where the training rows cannot be read, `real` are the test rows."""
    schema = saved.schema
    known = _known(given, saved)
    if "synthetic" in given:
        synthetic = read_given(given, "synthetic", schema)
    else:
        synthetic = saved.sampler().sample(SPARE * other, derived_seed("quiz synthetic rows", given["seed"]))
    if known is None:
        try:
            return read_sides(schema, read_given(given, "test", schema), synthetic)
        except UserError as error:
            raise UserError(str(error).replace("real: ", "test: ", 1)) from None
    return read_sides(schema, known.training, synthetic, known.test)


def _known(given: Mapping[str, Any], saved: SavedRun) -> RealTables | None:
    """The tables of the run; None where its training rows cannot be read, and test rows are given.

    Raises:
        UserError: there are no test rows.
    """
    if saved.run.privacy.private and "test" not in given:
        raise UserError(f"test is not set: run={given['run']} is private and has no held-out rows; set test=FILE.")
    try:
        known = real_tables(given, saved)
    except UserError as error:
        if "test" not in given or "real" in given:
            raise
        read_given(given, "test", saved.schema)  # what is wrong with this file is said first
        log.warning("training rows are not compared with those that are shown: %s", one_line(error))
        return None
    if known.test is None:
        raise UserError("test is not set: with real=FILE the held-out rows are given as test=FILE.")
    return known


def _equal(tables: Tables) -> dict[str, np.ndarray]:
    """Whether each test row and each synthetic row equals a training row."""
    if tables.schema.images:
        training = set(_bytes(tables.real, tables.schema))
        sides = {"test": tables.test, "synthetic": tables.synthetic}
        return {
            name: np.array([row in training for row in _bytes(side, tables.schema)]) for name, side in sides.items()
        }
    return {name: copies(tables.sides[name], tables.sides["real"]) for name in ("test", "synthetic")}


def _bytes(table: Any, schema: Schema) -> list[bytes]:
    return [image.tobytes() for image in _images(table, schema)]


def _images(table: pa.Table, schema: Schema) -> np.ndarray:
    whole: Any = table[schema.images[0].name].combine_chunks()
    return (whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole).to_numpy_ndarray()


def _independent(table: pa.Table, schema: Schema, seed: int) -> pa.Table:
    """The table with each of its columns, and of images each pixel, in an order of its own."""
    rng, out = host_stream("quiz independent columns", seed), table
    for place, name in enumerate(table.column_names):
        if schema.images and name == schema.images[0].name:
            images = _images(table, schema)
            mixed = rng.permuted(images.reshape(len(images), -1), axis=0).reshape(images.shape)
            array = pa.chunked_array([pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(mixed))])
        else:
            array = table[name].take(pa.array(rng.permutation(table.num_rows)))
        out = out.set_column(place, name, array)
    return out
