"""KEY=VALUE on the command line, help, and the files and folders that a command writes."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gans.config.names import split_list, unquoted, whole
from gans.errors import UserError, nearest


def key_values(
    arguments: Iterable[str], types: Mapping[str, Callable[[str], Any]], names_with_equals: bool = False
) -> dict[str, Any]:
    """KEY=VALUE arguments as values of these types.

    Args:
        names_with_equals: whether a key may hold an `=`, as a column name does, and no value.

    Raises:
        UserError: another form, an unknown key, a key twice, or a value of another type.
    """
    given: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.rpartition("=") if names_with_equals else argument.partition("=")
        if not equals:
            raise UserError(f"{argument}: arguments are KEY=VALUE; keys are {', '.join(types)}.")
        if key not in types:
            raise UserError(f"unknown key {key}; allowed are {', '.join(types)}.{nearest(key, types)}")
        if key in given:
            raise UserError(f"{key} is given twice.")
        try:
            given[key] = whole(value) if types[key] is int else types[key](value)
        except ValueError:
            raise UserError(f"{key}={value}: a whole number is needed.") from None
    return given


def take_text_options(arguments: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    """What `data.KEY=VALUE` arguments say of text files, as {"data": TextOptions}, and the other arguments.

    Raises:
        UserError: an unknown key, a key twice, or a value that no file can be read by.
    """
    from gans.data.delimited.options import TextOptions

    own, others = [], []
    for argument in arguments:
        (own if argument.startswith("data.") else others).append(argument.removeprefix("data."))
    if not own:
        return {}, others
    kinds: dict[str, Any] = dict.fromkeys(("delimiter", "decimal", "thousands", "encoding", "sheet"), str)
    kinds |= {"null_words": listed, "header": _truth}
    below: dict[str, dict[str, str]] = {"formats": {}, "types": {}}
    for group in below:
        named = [argument for argument in own if argument.startswith(f"{group}.")]
        own = [argument for argument in own if argument not in named]
        last = group == "types"  # a format may hold an `=`, a type does not
        keys = [argument.rpartition("=")[0] if last else argument.partition("=")[0] for argument in named]
        columns = key_values(named, dict.fromkeys(keys, str), names_with_equals=last)
        below[group] = {key.removeprefix(f"{group}."): value for key, value in columns.items()}
    given = key_values(own, kinds)
    options = TextOptions(**given, formats=below["formats"], types=below["types"])
    options.check_text_options()
    return {"data": options}, others


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise UserError(f"data.header={text}: allowed are true, false.")
    return text == "true"


def wants_help(text: str, arguments: Sequence[str] | None = None) -> bool:
    """Whether help is asked for, or nothing is said; it is printed then."""
    arguments = sys.argv[1:] if arguments is None else arguments
    asked = not arguments or bool({"-h", "--help"} & set(arguments))
    if asked:
        print(text)
    return asked


def require(given: Mapping[str, Any], keys: Iterable[str], usage: str) -> None:
    """Raise UserError where a key is not given."""
    for key in keys:
        if key not in given:
            raise UserError(f"{key} is not set; usage: {usage}")


def output_file(text: str) -> Path:
    """The file of a table that `out` names.

    Raises:
        UserError: no table is written to a file of that name, or its folder is not there.
    """
    from gans.data.formats import check_writable

    out = Path(text).expanduser()
    check_writable(out)
    if not out.parent.is_dir():
        raise UserError(f"out={out}: there is no folder {out.parent}.")
    return out


def run_folder(given: Mapping[str, Any], run: str | Path) -> Path:
    """Where what is found by real rows goes: `out`, or the folder of the run unless that is private.

    Raises:
        UserError: the run is private, and `out` is not set or lies in it.
    """
    from gans.runs.files import RunFiles

    folder = output_folder(given.get("out") or run)
    inside = Path(run).expanduser().resolve() in (folder.resolve(), *folder.resolve().parents)
    if inside and RunFiles(Path(run).expanduser()).privacy.is_file():
        raise UserError(
            f"out={folder}: the run is private and its folder may be handed out, but what is found by real rows is not "
            "private; set out=FOLDER elsewhere."
        )
    return folder


def output_folder(text: str | Path, empty: bool = False) -> Path:
    """The folder that `out` names, which need not be there; it is not made.

    Raises:
        UserError: it is a file, or, where it must be `empty`, it is not.
    """
    folder = Path(text).expanduser()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"out={folder}: it is a file; a folder is needed.")
    if any(parent.is_file() for parent in folder.parents):
        raise UserError(f"out={folder}: a part of it is a file; a folder is needed.")
    if empty and folder.exists() and any(folder.iterdir()):
        raise UserError(f"out={folder}: it is not empty; choose another.")
    return folder


def listed(text: str) -> list[str]:
    """The names of a list, as in [a,b] or a,b; a name with a comma goes in quotes."""
    return [unquoted(name) for name in split_list(text)]
