"""Checks of the tables that `CTGAN.fit` is given."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gans.errors import nearest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def frame_of(data: Any) -> "pd.DataFrame":
    """A frame, or a frame of an array.

    Raises:
        TypeError: it is neither.
        ValueError: the array does not have two dimensions.
    """
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    if not isinstance(data, np.ndarray):
        raise TypeError("`train_data` should be either pd.DataFrame or np.array.")
    if data.ndim != 2:
        raise ValueError(f"`train_data` has {data.ndim} dimensions; it should have 2, rows and columns.")
    return pd.DataFrame(data).infer_objects()


def discrete_names(labels: list[Any], discrete: list[Any]) -> list[str]:
    """The names of the discrete columns, as text.

    Raises:
        ValueError: a discrete column is not among the labels.
    """
    from gans.data.frames import text_name

    invalid = [name for name in discrete if name not in labels]
    if invalid:
        near = nearest(str(invalid[0]), map(str, labels))
        raise ValueError(f"Invalid columns found: {invalid}.{near}")
    return [text_name(name) for name in discrete]


def relations_of(kinds: dict[str, str]) -> list[str]:
    """`data.relations`: those that are found, but no discrete column follows from a number, so that all are learned."""
    from gans.data.relations.functional import Functional

    discrete = [name for name, kind in kinds.items() if kind in ("category", "boolean")]
    others = [name for name in kinds if name not in discrete]
    pairs = [(source, target) for source in others for target in discrete if all(map(_spelt, (source, target)))]
    return ["auto", *(f"not {Functional(source=source, target=target).text}" for source, target in pairs)]


def _spelt(name: str) -> bool:
    """Whether the grammar of relations can write the name of a column."""
    return bool(name) and "`" not in name


def kinds_of(table: "pa.Table", discrete: list[str], fixed: dict[str, str]) -> dict[str, str]:
    """The kind of every column, so that none is left out as an id or as text.

    Args:
        fixed: kinds of columns whose dtype decides what they are; what would be an id is a category here.

    Raises:
        TypeError: text that is not discrete, or values that cannot be learned.
    """
    import pyarrow as pa

    kinds = {}
    for name in table.column_names:
        kind = table[name].type
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        if pa.types.is_null(kind):
            continue
        if name in discrete:
            if not (number or pa.types.is_boolean(kind) or pa.types.is_string(kind)):
                raise TypeError(f"column '{name}' holds {kind}; write its values as text to have them as categories.")
            kinds[name] = "category"
        elif name in fixed:
            kinds[name] = "category" if fixed[name] == "id" else fixed[name]
        elif pa.types.is_string(kind):
            raise TypeError(f"column '{name}' holds text; list it in discrete_columns.")
        elif number:
            kinds[name] = "integer" if pa.types.is_integer(kind) or _whole(table[name]) else "numeric"
        elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            kinds[name] = "datetime"
        elif pa.types.is_boolean(kind):
            kinds[name] = "boolean"
        else:
            raise TypeError(
                f"column '{name}' holds {kind}, which cannot be learned; leave it out or write it as numbers."
            )
    return kinds


def varies(table: "pa.Table", kinds: dict[str, str]) -> bool:
    """Whether a discrete column has two values; without one there is nothing to condition on."""
    discrete = [name for name, kind in kinds.items() if kind in ("category", "boolean")]
    return any(len(table[name].unique()) > 1 for name in discrete)


def _whole(array: Any) -> bool:
    values = array.drop_null().cast("float64").to_numpy()
    return bool(np.all(values == np.floor(values)) and np.abs(values).max(initial=0) < 2**53)
