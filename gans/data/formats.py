"""The files that hold tables, told by the ends of their names."""

from pathlib import Path

from gans.errors import UserError, nearest

PARQUET = (".parquet", ".pq")
TEXT = (".csv", ".tsv", ".txt")
JSON_LINES = (".jsonl", ".ndjson")
EXCEL = (".xlsx", ".xlsm")
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
READABLE = (
    f"{', '.join(PARQUET)}, {', '.join(EXCEL)}, {', '.join(TEXT)}, {' and '.join(JSON_LINES)}; text and JSON lines "
    f"also compressed ({', '.join(PACKED)})"
)
OTHER_WORKBOOKS = (".xls", ".xlsb", ".ods")

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}  # that files are written with
WRITTEN = (
    *(f"{name}{packed}" for name in (".csv", ".tsv", ".jsonl") for packed in ("", *COMPRESSIONS)),
    *(".parquet", ".xlsx"),
)
SHOWN = 10  # files beside one that is not there
MOST_ROWS = 1_048_575  # of a sheet of Excel, below the names of the columns
MOST_COLUMNS = 16_384


def format_of(path: Path) -> str:
    """parquet, text, json or excel; "" for a file of another kind."""
    name = path.name.lower()
    for packed in PACKED:
        plain = name.removesuffix(packed)
        if plain != name:
            return "text" if plain.endswith(TEXT) else "json" if plain.endswith(JSON_LINES) else ""
    kinds = {"parquet": PARQUET, "excel": EXCEL, "text": TEXT, "json": JSON_LINES}
    return next((kind for kind, ends in kinds.items() if name.endswith(ends)), "")


def readable_file(path: str, key: str) -> Path:
    """The file of a path.

    Args:
        key: under which the path was given, as in `data.path`.

    Raises:
        UserError: it is not there, or holds no table, by its name.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        within = sorted(p.name for p in file.iterdir() if p.is_file() and format_of(p))
        more = f" and {len(within) - SHOWN} more" if len(within) > SHOWN else ""
        shown = f"its tables are {', '.join(within[:SHOWN])}{more}" if within else "it holds no table"
        raise UserError(f"{key}={path}: it is a folder; a file is needed; {shown}.")
    if not file.is_file():
        beside = sorted(p.name for p in file.parent.iterdir() if p.is_file()) if file.parent.is_dir() else []
        shown = f" In {file.parent} are {', '.join(beside[:SHOWN])}." if beside else ""
        raise UserError(f"{key}={path}: no such file.{shown}{nearest(file.name, beside)}")
    check_readable(file, f"{key}={path}")
    return file


def check_readable(path: Path, key: str) -> None:
    """Raise UserError for a file that holds no table, by its name.

    Args:
        key: what the file is called in messages, as in `data.path=FILE`.
    """
    if not format_of(path):
        raise UserError(f"{key}: allowed are {READABLE}.{remedy(path)}")


def remedy(path: Path) -> str:
    """A sentence that says what to do with a workbook of another format; "" for other files."""
    return " Save the workbook as .xlsx." if path.suffix.lower() in OTHER_WORKBOOKS else ""


def check_writable(path: Path, rows: int | None = None) -> None:
    """Raise UserError for a file to which no table is written, by its name, or that has no room for so many rows."""
    if path.is_dir():
        raise UserError(f"out={path}: it is a folder; a file is written, as in out={path / 'rows.csv'}.")
    if not path.name.lower().endswith(WRITTEN):
        raise UserError(f"out={path}: allowed are {', '.join(WRITTEN)}.")
    if rows is not None and format_of(path) == "excel" and rows > MOST_ROWS:
        raise UserError(
            f"out={path}: {rows:,} rows; a sheet of Excel has room for {MOST_ROWS:,}. Write .csv or .parquet, or "
            "several files by part=1/2 and part=2/2."
        )


def compression_of(path: Path) -> str | None:
    """How a file that is written is compressed: gzip, zstd, or None for not at all."""
    return COMPRESSIONS.get(path.suffix.lower())
