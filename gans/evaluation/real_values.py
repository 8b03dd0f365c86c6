"""How many synthetic rows hold a real value that belongs to one row or two of the training table.

A generator that learns a nearly unique column level by level can only return real values: whatever attacks on whole
rows say, an e-mail address that comes back is that of a person.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from gans.data.schema import Column
from gans.evaluation.inputs import NUMBERS, Tables
from gans.evaluation.intervals import wilson
from gans.evaluation.metrics import LEAST_TEST, LOWER, Computed, Estimate, Meaning, metric

pc: Any = pyarrow.compute  # its functions are made at run time

MOSTLY, NEARLY_ALL = 0.5, 0.9  # shares of distinct values in a column of text, and of numbers
COINCIDENCE = 0.01  # share of test rows that hold a training value, above which numbers meet by chance
LEAST = 20  # training values
WORDS, TWICE = 4, 2  # words of a free text, and the rows that hold it
NAMES = ("first_name", "last_name")  # kinds that many people share
FREE_TEXT = "free text"


@metric(
    "real_values",
    {"real_values": Meaning("rows with a real value of a nearly unique column", LOWER, sentence=False)},
    part="privacy",
    in_training=False,
    on_test=False,
    asked=lambda tables: bool(rare_values(tables)),
)
def real_values(tables: Tables, rows: int | None) -> Computed:
    """Rows with a real value of a column of personal data, of text or numbers that are nearly unique, or of free text.

    Of numbers that test rows share with training rows, too, nothing is said.
    """
    del rows
    hits, usual = np.zeros(tables.synthetic.num_rows, bool), None
    columns = {}
    for name, (kind, known) in rare_values(tables).items():
        here = _holds(_array(tables, "synthetic", name), known)
        there = None if _array(tables, "test", name) is None else _holds(_array(tables, "test", name), known)
        if kind in NUMBERS and (there is None or len(there) < LEAST_TEST or there.mean() > COINCIDENCE):
            continue
        hits |= here
        if there is not None:
            usual = there if usual is None else usual | there
        columns[name] = {
            "kind": kind,
            "count": int(here.sum()),
            "rows": len(here),
            "test count": None if there is None else int(there.sum()),
            "test rows": None if there is None else len(there),
        }
    if not columns:
        return Computed({})
    low, high = wilson(float(hits.sum()), len(hits))
    real = None if usual is None else float(usual.mean())
    return Computed({"real_values": Estimate(float(hits.mean()), low, high, real)}, {"real values": columns})


def rare_values(tables: Tables) -> dict[str, tuple[str, Any]]:
    """By column its kind and the training values that belong to few rows; columns without any are left out.

    The kind is that of personal data where it is known, else that of the column, or "free text".
    """
    return tables.once("rare values", lambda: _rare_values(tables))


def _rare_values(tables: Tables) -> dict[str, tuple[str, Any]]:
    out = {}
    for column in tables.schema.columns:
        array = _array(tables, "real", column.name)
        if column.role not in ("feature", "dropped") or array is None or column.kind == "boolean":
            continue
        valid = array.drop_null()
        if column.kind in NUMBERS and not column.personal and column.levels <= NEARLY_ALL * len(valid):
            continue
        counts = pc.value_counts(valid)
        if len(valid) >= LEAST and _singles_out(column, valid, len(counts)):
            out[column.name] = column.personal or column.kind, counts.field("values")
        elif pa.types.is_string(valid.type) and column.role == "feature" and len(counts):
            texts = counts.filter(pc.less_equal(counts.field("counts"), TWICE)).field("values")
            long = pc.greater_equal(pc.count_substring_regex(pc.utf8_trim_whitespace(texts), r"\s+"), WORDS - 1)
            if len(texts := texts.filter(long)):
                out[column.name] = FREE_TEXT, texts
    return out


def _singles_out(column: Column, valid: Any, levels: int) -> bool:
    """Whether the values of a column are those of single people."""
    if column.kind in NUMBERS and not column.personal:
        return levels > NEARLY_ALL * len(valid)
    if column.personal in NAMES and column.role == "dropped":
        return levels > NEARLY_ALL * len(valid)
    if column.personal and column.personal != "birth" and not pa.types.is_floating(valid.type):
        return True
    return pa.types.is_string(valid.type) and levels > MOSTLY * len(valid)


def _array(tables: Tables, side: str, name: str) -> Any:
    """A column of a side, also one that was not learned; None where the side or the synthetic table lacks it."""
    table = {"real": tables.real, "synthetic": tables.synthetic, "test": tables.test}[side]
    if table is None:
        return None
    further = tables.further.get(side)
    return (
        table[name]
        if name in table.column_names
        else further[name]
        if further and name in further.column_names
        else None
    )


def _holds(array: Any, known: Any) -> np.ndarray:
    """Which values [rows] are among known ones; missing ones are not."""
    if array.type != known.type:
        numbers = not pa.types.is_string(array.type) and not pa.types.is_string(known.type)
        kind = known.type if numbers else pa.string()
        array, known = array.cast(kind, safe=False), known.cast(kind)
    return pc.is_in(array, value_set=known).to_numpy(zero_copy_only=False) & array.is_valid().to_numpy()
