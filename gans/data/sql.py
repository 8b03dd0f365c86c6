"""SQL of the user: one SELECT over the files that it names, in a DuckDB connection that can do nothing else.

A query is parsed, not matched: its syntax tree may read tables, files by a written name, and a few table functions.
The connection is locked after that: no other file, no network, no extension, no change of a setting.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from gans.data.base import Source
from gans.errors import UserError
from gans.registry import register

FILE_READERS = (
    *("read_parquet", "parquet_scan", "read_csv", "read_csv_auto"),
    *("read_json", "read_json_auto", "read_ndjson", "read_ndjson_auto"),
)
TABLE_FUNCTIONS = (*FILE_READERS, "range", "generate_series", "unnest")
REFUSED_FUNCTIONS = (
    "getenv",
    "current_setting",
    "getvariable",
    "write_log",
)  # they read, or write, what no query names
FILE_SUFFIXES = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".ndjson")  # that DuckDB reads as a table by their name
COMPRESSED = (".gz", ".zst")
QUERY_NODES = ("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE")
TABLE_NODES = ("BASE_TABLE", "TABLE_FUNCTION", "JOIN", "SUBQUERY", "EXPRESSION_LIST", "EMPTY", "PIVOT")
SELECT, EXPRESSION = "exactly one SELECT is needed", "one expression is needed"
TRUST = "data.trust=true on the command line of gans.train allows others"
# an extension would bring readers of other places; stored secrets are passwords of such places
CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
}


def first_line(error: Exception) -> str:
    """What DuckDB, Arrow or OpenML says, without the statement that is repeated below it."""
    text = str(error).strip().split("\n", 1)[0]
    return f"{text}; only files that a query names itself are read, {TRUST}." if "disabled by config" in text else text


@contextlib.contextmanager
def connect(database: str | None, trust: bool = False) -> Iterator[Any]:
    """A DuckDB connection, to a database file for reading or to memory, that loads no extension unless `trust`.

    It is not locked yet: settings first, then `lock`.

    Raises:
        UserError: there is no such file, or it is no database.
    """
    import duckdb

    path = ":memory:"
    if database is not None:
        file = Path(database).expanduser()
        if not file.is_file():  # nor a name that DuckDB would connect to over the network
            raise UserError(f"data.database={database}: no such file.")
        path = str(file.absolute())
    try:
        connection = duckdb.connect(path, read_only=database is not None, config={} if trust else dict(CONFIG))
        connection.execute("set python_enable_replacements = false")
    except duckdb.Error as error:
        raise UserError(f"data.database={database}: {first_line(error)}") from None
    with connection:
        yield connection


def lock(connection: Any, files: Iterable[str]) -> None:
    """From now on the connection reads these files (or patterns of them) and its database, and no setting changes."""
    names = {name for pattern in files for name in (pattern, *_matches(pattern))}
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in sorted(names))
    connection.execute(f"set allowed_paths = [{listed}]")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def read_query(query: str, database: str | None, what: str, trust: bool = False) -> pa.Table:
    """The result of one SELECT over files or a database file.

    Args:
        what: the key of the query, for messages.
        trust: any reader, any file, any extension.

    Raises:
        UserError: it is not one SELECT, reads what it may not, or DuckDB cannot run it.
    """
    import duckdb

    try:
        with connect(database, trust) as connection:
            query, files = check_select(query, what, trust, table_names(connection) if database else ())
            if not trust:
                lock(connection, files)
            return connection.sql(query).to_arrow_table()
    except duckdb.Error as error:
        if "not utf-8" in str(error):
            raise UserError(f"{what}: the file is not in UTF-8; save it as UTF-8.") from None
        raise UserError(f"{what}: {first_line(error)}") from None


def check_select(query: str, what: str, trust: bool = False, tables: Iterable[str] = ()) -> tuple[str, list[str]]:
    """The statement by itself, and the files and patterns that it names.

    Args:
        tables: names of the database that are no files.
        trust: whether it may read anything.

    Raises:
        UserError: it is not exactly one SELECT, or it reads what it may not.
    """
    query, tree = _parse(query, what)
    if trust:
        return query, []
    files = []
    known = {name.lower() for name in (*tables, *_names_of_ctes(tree))}
    for node in _nodes(tree):
        files += _files_of(node, what, known)
    for name in files:
        if "://" in name:
            raise UserError(f"{what}: '{name}' is not a file on this machine; save it here first; {TRUST}.")
        if not _matches(name):
            raise UserError(f"{what}: '{name}': no such file.")
    return query, files


def check_expression(sql: str, what: str) -> None:
    """Raise UserError unless `sql` is one expression of DuckDB that reads no file and calls no table function."""
    _, tree = _parse(f"select (\n{sql}\n)", what, EXPRESSION)
    node = tree["node"]
    plain = node["type"] == "SELECT_NODE" and node["from_table"]["type"] == "EMPTY" and len(node["select_list"]) == 1
    clauses = ("where_clause", "group_expressions", "group_sets", "having", "sample", "qualify", "modifiers")
    if not plain or any(node.get(clause) for clause in clauses):
        raise UserError(f"{what}: {EXPRESSION}, without a clause such as FROM.")
    for node in _nodes(tree):
        if node.get("type") == "TABLE_FUNCTION" or _files_of(node, what, set()):
            raise UserError(f"{what}: an expression is over columns; it reads no file and no table function.")


def table_names(connection: Any) -> list[str]:
    """The names of the tables and views of a database, as a query may write them."""
    sql = "select database_name, schema_name, {0}_name from duckdb_{0}s()"
    rows = [row for kind in ("table", "view") for row in connection.execute(sql.format(kind)).fetchall()]
    return [".".join(row[start:]) for row in rows for start in range(3)]


@cache
def _parser() -> Any:
    """A connection that parses and lists files; a database of the user could have macros in the place of functions."""
    import duckdb

    return duckdb.connect(":memory:", config=dict(CONFIG))


def _parse(query: str, what: str, needed: str = SELECT) -> tuple[str, dict[str, Any]]:
    """The one SELECT, without the semicolon, and its syntax tree.

    Raises:
        UserError: it does not parse, or is another or more than one statement.
    """
    import duckdb

    connection = _parser().cursor()
    try:
        statements = connection.extract_statements(query)
        if not statements:
            raise UserError(f"{what}: it returns no table; a SELECT is needed.")
        if len(statements) > 1:
            raise UserError(f"{what}: {needed}, without ';'; there are {len(statements)} statements.")
        kind = statements[0].type.name
        if not kind.startswith("SELECT"):
            raise UserError(f"{what}: {needed}, not {kind.removesuffix('_STATEMENT')}.")
        query = statements[0].query.strip().removesuffix(";")
        tree = json.loads(connection.execute("select json_serialize_sql(?::varchar)", [query]).fetchall()[0][0])
    except duckdb.Error as error:
        raise UserError(f"{what}: {first_line(error)}") from None
    except RecursionError:
        raise UserError(f"{what}: its expressions are nested too deeply to be checked; write sums as a list.") from None
    if tree["error"]:
        raise UserError(f"{what}: {needed} ({tree['error_message'].strip()}).")
    return query, tree["statements"][0]


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of a syntax tree, from the top."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack += node.values()
        elif isinstance(node, list):
            stack += node


def _names_of_ctes(tree: Any) -> list[str]:
    return [entry["key"] for node in _nodes(tree) if "cte_map" in node for entry in node["cte_map"]["map"]]


def _files_of(node: dict[str, Any], what: str, known: set[str]) -> list[str]:
    """The files that a node of a syntax tree names.

    Raises:
        UserError: it reads what a query may not, or a file whose name is not written out.
    """
    kind = str(node.get("type"))
    if node.get("class") == "FUNCTION" and node["function_name"].lower() in REFUSED_FUNCTIONS:
        raise UserError(f"{what}: function {node['function_name']} reads more than the table; leave it out.")
    if kind.endswith("_NODE") and kind not in QUERY_NODES:
        raise UserError(f"{what}: {SELECT}; {kind.split('_')[0]} is none.")
    if "class" in node or "sample" not in node or "alias" not in node:
        return []  # no reference to a table
    if kind not in TABLE_NODES:
        raise UserError(f"{what}: {SELECT}; {kind.split('_')[0]} is none.")
    if kind == "BASE_TABLE":
        name = ".".join(filter(None, (node.get(part) for part in ("catalog_name", "schema_name", "table_name"))))
        suffix = Path(name.lower().removesuffix(COMPRESSED[0]).removesuffix(COMPRESSED[1])).suffix
        is_file = suffix in FILE_SUFFIXES or "://" in name
        return [name] if is_file and name.lower() not in known else []
    if kind != "TABLE_FUNCTION":
        return []
    function = node["function"]
    name = function["function_name"].lower()
    if name not in TABLE_FUNCTIONS:
        allowed = ", ".join(TABLE_FUNCTIONS)
        raise UserError(f"{what}: function {name} is not read from; allowed are {allowed}; {TRUST}.")
    if name not in FILE_READERS:
        return []
    arguments = _arguments(function)
    files = _texts(arguments[0]) if arguments else None
    if files is None:
        raise UserError(f"{what}: {name} needs the name of a file as it is, 'FILE' or ['FILE', 'FILE'].")
    return files


def _arguments(function: dict[str, Any]) -> list[Any]:
    """The arguments of a function; DuckDB before 2.0 calls them children."""
    if "arguments" in function:
        return [argument["expression"] for argument in function["arguments"]]
    return function.get("children", [])


def _texts(node: dict[str, Any]) -> list[str] | None:
    """The texts that an expression writes out, one or a list; None for any other expression."""
    if node.get("class") == "CONSTANT":
        literal = node.get("literal")
        if literal is not None:
            return [literal["text"]] if literal["kind"] == "STRING" else None
        value = node["value"]
        return [value["value"]] if value["type"]["id"] == "VARCHAR" and not value["is_null"] else None
    if node.get("function_name") != "list_value" and node.get("type") != "ARRAY_CONSTRUCTOR":
        return None
    out: list[str] = []
    for child in _arguments(node):
        texts = _texts(child)
        if texts is None:
            return None
        out += texts
    return out


def _matches(pattern: str) -> list[str]:
    """The files of this machine that DuckDB reads for a name or a pattern."""
    return [name for (name,) in _parser().cursor().execute("select file from glob(?)", [pattern]).fetchall()]


@register("data", "sql")
@dataclass(kw_only=True)
class Sql(Source):
    """The result of a query, run by DuckDB: over files ("select * from 'orders/*.parquet'") or over a database file.

    Attributes:
        query: one SELECT.
        database: a DuckDB database file, opened for reading.
        trust: the query may read anything, as other files, extensions and the network; a stored config does not say so.
    """

    query: str = ""
    database: str | None = None
    trust: bool = False

    def read(self) -> pa.Table:
        """The result."""
        if not self.query:
            raise UserError("data.query is not set: data=sql needs data.query=\"select ... from 'FILE.parquet'\".")
        return read_query(self.query, self.database, "data.query", self.trust)
