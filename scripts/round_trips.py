"""What comes back: dtypes of pandas, polars and Arrow through the codec, types of Arrow through files.

    python scripts/round_trips.py

Y: type and values are those that went in. Else the message of the refusal, or why the column is left out.
"""

import datetime as dt
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.data.frames import read_frame, to_frame
from gans.data.writing import write_rows
from gans.errors import UserError

ROWS = 120
G = np.random.default_rng(0)
DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=int(day)) for day in G.integers(0, 60, ROWS)]
TIMES = [
    dt.datetime.combine(day, dt.time(int(hour), 30)) for day, hour in zip(DAYS, G.integers(0, 24, ROWS), strict=True)
]
WORDS = [["red", "blue", None, "green"][place] for place in G.integers(0, 4, ROWS)]
NUMBERS = [None if number == 3 else int(number) for number in G.integers(0, 9, ROWS)]
CENTS = [int(cents) / 100 for cents in G.integers(100, 9999, ROWS)]
DECIMALS = [Decimal(int(cents)) / 100 for cents in G.integers(100, 9999, ROWS)]
WHOLE = [number or 0 for number in NUMBERS]


def pandas_columns() -> dict[str, Any]:
    """Series by dtype."""
    stamps = pd.Series(pd.to_datetime(TIMES))
    plain = {name: pd.Series(WHOLE, dtype=name) for name in ("int8", "uint16", "int64", "uint64")}
    plain |= {name: pd.Series(CENTS, dtype=name) for name in ("float16", "float32", "float64", "Float32", "Float64")}
    plain |= {name: pd.Series(NUMBERS, dtype=name) for name in ("Int8", "Int64", "UInt32")}
    plain |= {f"datetime64[{unit}]": stamps.astype(f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")}
    plain |= {
        f"datetime, {zone}": stamps.dt.tz_localize("UTC").dt.tz_convert(zone)
        for zone in ("UTC", "Asia/Shanghai", "+05:30")
    }
    return plain | {
        "bool": pd.Series([number > 3 for number in WHOLE]),
        "boolean": pd.Series([None if n is None else n > 3 for n in NUMBERS], dtype="boolean"),
        "string": pd.Series(WORDS, dtype="string"),
        "str": pd.Series(WORDS),
        "category": pd.Series(pd.Categorical(WORDS, ["green", "red", "blue", "unused"], ordered=True)),
        "category of numbers": pd.Series(pd.Categorical(NUMBERS)),
        "category of dates": pd.Series(pd.Categorical(pd.to_datetime(DAYS))),
        "object of ints": pd.Series(NUMBERS, dtype=object),
        "object of dates": pd.Series(DAYS, dtype=object),
        "object of Decimal": pd.Series(DECIMALS, dtype=object),
        "period[M]": pd.Series(pd.PeriodIndex(DAYS, freq="M")),
        "interval": pd.Series(pd.IntervalIndex.from_tuples([(n, n + 1) for n in WHOLE])),
        "timedelta64[ns]": pd.Series(pd.to_timedelta(WHOLE, "h")),
        "Sparse[int64]": pd.Series(pd.arrays.SparseArray(WHOLE)),
        "list": pd.Series([[number] for number in WHOLE]),
        "complex128": pd.Series(WHOLE, dtype="complex128"),
        "bytes": pd.Series([str(number).encode() for number in WHOLE]),
    }


def polars_columns() -> dict[str, Any]:
    """Series by dtype."""
    whole = {str(kind): pl.Series(NUMBERS, dtype=kind) for kind in (pl.Int8, pl.Int64, pl.UInt32, pl.UInt64, pl.Int128)}
    times = {f"Datetime({unit})": pl.Series(TIMES, dtype=pl.Datetime(unit)) for unit in ("ms", "us", "ns")}
    return (
        whole
        | times
        | {
            "Float32": pl.Series(CENTS, dtype=pl.Float32),
            "Float64": pl.Series(CENTS),
            "Decimal": pl.Series(DECIMALS, dtype=pl.Decimal(10, 2)),
            "Boolean": pl.Series([None if n is None else n > 3 for n in NUMBERS]),
            "String": pl.Series(WORDS),
            "Categorical": pl.Series(WORDS, dtype=pl.Categorical()),
            "Enum": pl.Series(WORDS, dtype=pl.Enum(["blue", "green", "red", "unused"])),
            "Date": pl.Series(DAYS),
            "Datetime(Rome)": pl.Series(TIMES).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Rome"),
            "Duration": pl.Series([dt.timedelta(hours=number) for number in WHOLE]),
            "Time": pl.Series([time.time() for time in TIMES]),
            "List": pl.Series([[number] for number in WHOLE]),
            "Struct": pl.Series([{"a": number} for number in WHOLE]),
        }
    )


def arrow_columns() -> dict[str, Any]:
    """Arrays by type."""
    kinds: dict[str, tuple[list[Any], pa.DataType]] = {
        str(kind): (NUMBERS, kind) for kind in (pa.int8(), pa.int64(), pa.uint64())
    }
    kinds |= {str(kind): (CENTS, kind) for kind in (pa.float32(), pa.float64())}
    kinds |= {str(kind): (WORDS, kind) for kind in (pa.string(), pa.large_string(), pa.string_view())}
    kinds |= {str(kind): (DAYS, kind) for kind in (pa.date32(), pa.date64())}
    kinds |= {str(kind): (DECIMALS, kind) for kind in (pa.decimal128(10, 2), pa.decimal256(50, 2))}
    stamps = [pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")] + [pa.timestamp("us", "Europe/Rome")]
    kinds |= {str(kind): (TIMES, kind) for kind in stamps}
    kinds["bool"] = ([None if n is None else n > 3 for n in NUMBERS], pa.bool_())
    kinds["duration[us]"] = ([dt.timedelta(hours=number) for number in WHOLE], pa.duration("us"))
    kinds["time64[us]"] = ([time.time() for time in TIMES], pa.time64("us"))
    return {name: pa.array(values, kind) for name, (values, kind) in kinds.items()} | {
        "dictionary": pa.array(WORDS).dictionary_encode(),
        "list": pa.array([[number] for number in WHOLE]),
    }


def through_frame(frame: Any) -> Any:
    """A frame encoded and decoded: its rows in the order that they had."""
    read = read_frame(frame)
    table = normalise(read.table)
    schema = detect(table, read.kinds)
    schema.frame = read.form
    for column in schema.columns:
        column.frame = read.fields[column.name]["frame"]
    left_out = [column.reason for column in schema.columns if column.role == "dropped" and column.name == "it"]
    if left_out:
        raise UserError(f"left out: {left_out[0]}")
    codec = Quantile().fit(table, schema)
    return to_frame(codec.decode(codec.encode(table)), schema)


def through_file(table: pa.Table, name: str) -> pa.Table:
    """A table written to a file and read like the training table."""
    schema = detect(normalise(table))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_rows(path, iter([table]), schema)
        return read_table(str(path), "file", None, {column.name: column for column in schema.kept})


def outcome(given: Any, route: Callable[[Any], Any], compare: Callable[[Any, Any], str]) -> str:
    """Y, what differs, or the message of a refusal."""
    try:
        return compare(given, route(given))
    except UserError as error:
        return str(error)


def same_frame(given: Any, out: Any) -> str:
    """Whether a frame is another, by values and dtypes."""
    return "Y" if out.equals(given) and list(out.dtypes) == list(given.dtypes) else "DIFFERS"


def same_table(table: pa.Table, out: pa.Table) -> str:
    """Whether a table is another, by values and types; Parquet lacks some types, and has others in their place."""
    out = out.select(table.column_names)
    if not out.cast(table.schema).equals(table):
        return "DIFFERS"
    return "Y" if out.schema.types == table.schema.types else f"the same values, as {out.schema.field('it').type}"


def main() -> None:
    """Print the table."""
    beside = [place % 3 for place in range(ROWS)]
    rows: list[tuple[str, str, str]] = []
    for name, series in pandas_columns().items():
        frame = pd.DataFrame({"it": series, "k": beside})
        rows.append(("pandas", name, outcome(frame, through_frame, same_frame)))
    for name, series in polars_columns().items():
        data = pl.DataFrame({"it": series, "k": beside})
        rows.append(("polars", name, outcome(data, through_frame, same_frame)))
    for name, array in arrow_columns().items():
        table = pa.table({"it": array, "k": pa.array(beside)})
        rows.append(("Arrow", name, outcome(table, through_frame, same_table)))
        if pa.types.is_nested(array.type) or detect(normalise(table))["it"].role != "feature":
            continue
        for suffix in ("parquet", "csv", "jsonl", "xlsx"):
            made = outcome(
                normalise(table), lambda table, suffix=suffix: through_file(table, f"t.{suffix}"), same_table
            )
            rows.append((suffix, name, made))
    for route, name, made in rows:
        print(f"{route:8} {name:30} {made}")
    print(f"{sum(made == 'Y' for *_, made in rows)} of {len(rows)} come back; the others say why not")


if __name__ == "__main__":
    main()
