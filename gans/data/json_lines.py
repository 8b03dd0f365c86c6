"""JSON lines as an Arrow table: one object a line, read by DuckDB; nested values are refused by name."""

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.data.delimited.columns import typed_table
from gans.data.delimited.dialect import cut
from gans.data.delimited.numbers import UNSEEN, whole_numbers
from gans.data.delimited.opening import PlainText, plain_text
from gans.data.delimited.options import Known, TextOptions
from gans.data.delimited.typed import TextColumn
from gans.data.delimited.values import ValueColumn, mixed_column, value_column
from gans.errors import UserError

log = logging.getLogger("gans")
pc: Any = pyarrow.compute  # its functions are made at run time

LARGEST_LINE = 1 << 27  # bytes
WHOLE, TEXT, TRUTH = {"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"}, "VARCHAR", "BOOLEAN"
TOO_LONG = r"^-?[0-9]{20,}$"
NESTED = {"OBJECT": "an object", "ARRAY": "a list"}
ARRAY_REMEDY = "write one object a line, as pandas does by to_json(FILE, orient='records', lines=True)"


def read_json_lines(
    paths: Sequence[Path], key: str, options: TextOptions | None = None, known: Known | None = None
) -> pa.Table:
    """Files of JSON lines as one table. A key that a line lacks is a missing value, like null.

    Texts are read as those in quotes of a text file are: dates are dates, numbers in quotes are text.

    Args:
        key: what the files are called in messages, as in `data.path=FILE`.
        known: columns of a table that it should be like, whose types and formats go before what is found.

    Raises:
        UserError: a line is no object, a value is nested, a column holds values of several types; the message has the
            line.
    """
    options = options or TextOptions()
    with contextlib.ExitStack() as stack:
        named = [(path, key if len(paths) == 1 else f"{key}: {path}") for path in paths]
        texts = [stack.enter_context(plain_text(path, name, options.encoding)) for path, name in named]
        try:
            return _read([path.name for path in paths], texts, options, known)
        except UserError as error:
            raise UserError(f"{key}: {error}") from None


def _read(names: list[str], texts: list[PlainText], options: TextOptions, known: Known | None) -> pa.Table:
    import duckdb

    files = _quoted_list(str(text.path) for text in texts)
    where = partial(_where, names, texts)
    try:
        with duckdb.connect(":memory:") as connection:
            keys = _keys(connection, files)
            if not keys:
                _refuse_bad_lines(names, texts)
                raise UserError("the table is empty: 0 rows, 0 columns.")
            counts = _types(connection, files, keys)
            for name, types in counts.items():
                for kind in sorted(types & set(NESTED)):
                    raise UserError(
                        f"'{cut(name)}' holds {NESTED[kind]} {where(name, kind)}; one value is needed: give each part "
                        "a key of its own, or leave it out (pandas.json_normalize does the first)."
                    )
            table = connection.sql(_select(files, keys, "VARCHAR")).to_arrow_table()
    except duckdb.Error as error:
        _refuse_bad_lines(names, texts)
        raise UserError(str(error).strip().splitlines()[0]) from None
    for name, text in zip(names, texts, strict=True):
        notes = f" ({'; '.join(text.notes)})" if text.notes else ""
        log.info("%s: %s lines, %s columns%s", name, f"{text.lines:,}", table.num_columns, notes)
    columns = (_column(name, table[name], counts[name], options, partial(where, name)) for name in keys)
    return typed_table(columns, options, known)


def _column(
    name: str, texts: pa.ChunkedArray, types: set[str], options: TextOptions, where: Any
) -> TextColumn | ValueColumn:
    """A column by the types that its values have in JSON.

    Raises:
        UserError: they have several, and the person does not say that they are text.
    """
    if types <= {TEXT}:
        return TextColumn(name, texts, options, quoted=True, where=where)
    if TEXT in types:
        return mixed_column(name, texts, options, where)
    if types == {TRUTH}:
        return value_column(name, pc.equal(texts, "true"), options, where)
    if TRUTH in types:
        if options.types.get(name) == "text":
            return TextColumn(name, texts, options, where=where)
        raise UserError(
            f"column '{cut(name)}' holds a truth value {where(TRUTH)} and a number {where('number')}; make them one, "
            f"or set data.types.{cut(name)}=text."
        )
    if types <= WHOLE:
        values = whole_numbers(texts)
    else:  # a whole number of many digits is a DOUBLE, too
        long = pc.any(pc.match_substring_regex(texts, TOO_LONG)).as_py()
        values = None if long else texts.cast(pa.float64())
    if values is None:
        return TextColumn(name, texts, options, where=where)
    return value_column(name, values, options, where)


def _keys(connection: Any, files: str) -> list[str]:
    """The keys of all objects, those of the first line first.

    Raises:
        UserError: one is empty, or two differ in upper and lower case only.
    """
    source = f"read_ndjson_objects({files}, maximum_object_size={LARGEST_LINE})"
    first = connection.sql(f"select json_keys(json) from {source} limit 1").fetchall()
    others = connection.sql(f"select distinct json_keys(json) as keys from {source} order by len(keys) desc, keys")
    keys = list(dict.fromkeys(name for (names,) in first + others.fetchall() for name in names))
    if "" in keys:
        raise UserError("a line has a key without a name.")
    lower: dict[str, str] = {}
    for name in keys:
        if (other := lower.setdefault(name.lower(), name)) != name:
            raise UserError(f"the keys '{other}' and '{name}' differ in upper and lower case only; rename one.")
    return keys


def _types(connection: Any, files: str, keys: list[str]) -> dict[str, set[str]]:
    """The types that the values of each key have, without null."""
    names = [_quoted(name) for name in keys]
    found = ", ".join(f"list(distinct json_type({name}))" for name in names)
    rows = connection.sql(f"select {found} from ({_select(files, keys, 'JSON')})").fetchall()
    kinds = [{str(kind) for kind in types or () if kind} - {"NULL"} for types in rows[0]]
    return dict(zip(keys, kinds, strict=True))


def _select(files: str, keys: list[str], kind: str) -> str:
    columns = ", ".join(f"{_literal(name)}: '{kind}'" for name in keys)
    return (
        f"select * from read_json({files}, format='newline_delimited', records=true, auto_detect=false, "
        f"maximum_object_size={LARGEST_LINE}, columns={{{columns}}})"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted_list(names: Iterator[str]) -> str:
    return f"[{', '.join(map(_literal, names))}]"


def _objects(names: list[str], texts: list[PlainText]) -> Iterator[tuple[str, Any]]:
    """What each line that is not empty holds, and which line it is; objects as pairs.

    Raises:
        UserError: a line is no JSON.
    """
    for name, plain in zip(names, texts, strict=True):
        with plain.path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                text, place = line.strip(), f"line {number:,}" + (f" of {name}" if len(names) > 1 else "")
                if not text:
                    continue
                try:
                    yield place, json.loads(text, object_pairs_hook=_Pairs)
                except (ValueError, RecursionError) as error:
                    reason = str(error).partition(": line")[0]
                    remedy = f"; {ARRAY_REMEDY}" if number == 1 and text in ("[", "{") else ""
                    raise UserError(f"{place} is not JSON ({cut(text)}): {reason}{remedy}.") from None


class _Pairs(list[tuple[str, Any]]):
    """The pairs of an object; a list of JSON is a plain list."""


def _refuse_bad_lines(names: list[str], texts: list[PlainText]) -> None:
    """Raise UserError for the first line that is no object, or has a key twice; look at one after the other."""
    for place, value in _objects(names, texts):
        if not isinstance(value, _Pairs):
            remedy = f"; {ARRAY_REMEDY}" if isinstance(value, list) else ""
            raise UserError(f"{place} holds {cut(json.dumps(value))}, not an object{remedy}.")
        keys = [name for name, _ in value]
        if twice := next((name for name in keys if keys.count(name) > 1), None):
            raise UserError(f"{place} has the key '{cut(twice)}' twice.")


def _where(names: list[str], texts: list[PlainText], name: str, text: str) -> str:
    """The first value of a key that is such a text, or of such a type: 'x7' in line 17."""
    for place, value in _objects(names, texts):
        found = dict(value).get(name)
        if _is_of(text, found):
            return f"in {place}"
        if found is not None and not isinstance(found, list) and _text(found).strip(UNSEEN) == text:
            return f"'{cut(text)}' in {place}"
    return f"'{cut(text)}'"


def _is_of(kind: str, value: Any) -> bool:
    """Whether a value is of one of the types that `_where` is asked for."""
    if kind == "ARRAY":
        return isinstance(value, list) and not isinstance(value, _Pairs)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"OBJECT": _Pairs, TRUTH: bool}.get(kind, ()))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
