"""The columns of logs that `data.kinds` and `data.drop` name, and names that a log may not use, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

from gans.data.events.chains import EVENT, FORMS, HIDDEN, KEYS, LINES, Shape
from gans.data.events.logs import EVENTS, Log, quoted, run
from gans.data.events.weeks import ENDS
from gans.errors import UserError, nearest, one_of

DAYS = ("first", "last", "weeks", *ENDS)  # of what is counted of customers
TAKEN = (EVENT, "rows", "first_day", "last_day", LINES, *HIDDEN, *DAYS)  # what is made of a log has these names
FITS = {  # by kind a condition on a value that it does not have
    "numeric": "try_cast({0} as double) is null",
    "integer": "try_cast({0} as double) is null or try_cast({0} as double) <> floor(try_cast({0} as double))",
    "boolean": "try_cast({0} as boolean) is null or try_cast({0} as double) not in (0, 1)",
}


def counted_columns(shape: Shape) -> list[str]:
    """The columns in which customers have what is counted of a log: how many events, when, and their sums."""
    return [shape.kind, *(f"{shape.kind}_{name}" for name in (*DAYS, *shape.events.totals))]


def check_named(connection: Any, logs: Mapping[str, Log], kinds: Mapping[str, str], drop: Sequence[str]) -> None:
    """Check what is said of columns of logs that are open.

    Args:
        kinds: by column.
        drop: columns to leave out.

    Raises:
        UserError: no log has such a column; it cannot be left out, or is not of that kind; or a log has a column with
            a name of another meaning.
    """
    own = {kind: [name for name in found.names if name not in found.used] + found.own for kind, found in logs.items()}
    fixed = {"customer", "time", "since", *KEYS.values()}
    names = list(dict.fromkeys(name for columns in own.values() for name in columns))
    free = [name for name in names if name not in fixed]
    for name in drop:
        if name not in free:
            why = "it is needed" if name in names else "no log and no customer has it"
            raise UserError(f"data.drop: column '{name}': {why}; allowed are {', '.join(free)}.{nearest(name, free)}")
    for name, kind in kinds.items():
        of = [log for log in EVENTS if name in own.get(log, ())]
        if not of and name not in free and not _is_counted(name, logs):
            raise UserError(
                f"data.kinds: column '{name}': no log and no customer has it; allowed are {', '.join(free)}."
                f"{nearest(name, free)}"
            )
        for log in of:
            one_of(f"data.kinds.{name}", kind, tuple(FORMS))
            _check_values(connection, log, name, kind)
    for log in EVENTS:
        for name in own.get(log, ()):
            if name.lower() in TAKEN and name not in drop:
                raise UserError(
                    f"data.{log}: column '{name}': the name means something else in histories; rename the column, or "
                    f"leave it out by data.drop=[{name}]."
                )


def _is_counted(name: str, logs: Mapping[str, Log]) -> bool:
    """Whether a column may be one that is counted of a log."""
    return any(name == kind or name.startswith(f"{kind}_") for kind in logs)


def _check_values(connection: Any, log: str, name: str, kind: str) -> None:
    """Raise UserError where a value is not of the kind that was named."""
    if kind not in FITS:
        return
    column = quoted(name)
    found = run(
        connection,
        f"select {column}::varchar from {log} where {column} is not null and ({FITS[kind].format(column)}) limit 1",
        f"data.kinds.{name}",
    )
    if found:
        raise UserError(f"data.kinds.{name}={kind}: data.{log} has the value {found[0][0]!r} there.")
