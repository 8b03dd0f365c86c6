"""What a key of a command holds: how its text is read, and what completes it."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from gans.cli.arguments import listed, output_file
from gans.config.names import read_number
from gans.errors import one_of
from gans.runs.find import LAST, RUNS, find_run, run_folders

Reader = Callable[[str, str], Any]
"""The value of a key and its text; raises UserError."""

Completer = Callable[[str], Iterable[str]]
"""The values that begin with a text."""


class Kind(click.ParamType):
    """A type of click that reads texts, and leaves what is no text, such as a default, as it is.

    Args:
        name: stands for the value in the help.
        read: gives the value.
        allowed: the words that it may be, where these are some.
        complete: gives what a shell offers.
    """

    def __init__(
        self, name: str, read: Reader, complete: Completer = lambda start: (), allowed: tuple[str, ...] = ()
    ) -> None:
        self.name, self.read, self.complete, self.allowed = name, read, complete, allowed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value of a text."""
        key = getattr(param, "key", param.opts[-1] if param else self.name)
        return self.read(key, value) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """What a shell offers."""
        return [CompletionItem(value) for value in self.complete(incomplete)]


def choice(*allowed: str) -> Kind:
    """One of some words."""

    def read(key: str, text: str) -> str:
        one_of(key, text, allowed)
        return text

    return Kind("|".join(allowed), read, lambda start: (word for word in allowed if word.startswith(start)), allowed)


def paths(start: str, folders: bool = False) -> list[str]:
    """Files and folders that begin with a text, folders with a / behind."""
    parent, name = os.path.split(start)
    try:
        found = sorted(Path(parent or ".").expanduser().iterdir())
    except OSError:
        return []
    shown = [path for path in found if path.name.startswith(name) and (name or not path.name.startswith("."))]
    return [
        os.path.join(parent, path.name) + "/" * path.is_dir()  # noqa: PTH118 (as it was typed, ~ and ./ included)
        for path in shown
        if path.is_dir() or not folders
    ]


def _folders(start: str) -> list[str]:
    return paths(start, folders=True)


def runs(start: str) -> list[str]:
    """`last` and run directories below runs/ that begin with a text, newest first; other folders where none does."""
    found = [LAST, *map(str, run_folders()), *(str(folder.relative_to(RUNS)) for folder in run_folders())]
    return [name for name in found if name.startswith(start)] or _folders(start)


def _several_runs(key: str, text: str) -> list[str]:
    return [name if set(name) & set("*?[") else find_run(name, key) for name in listed(text)]


def _truth(key: str, text: str) -> bool:
    one_of(key, text, ("true", "false"))
    return text == "true"


TEXT = Kind("TEXT", lambda key, text: text)
WHOLE = Kind("N", lambda key, text: read_number(key, text, int))
NUMBER = Kind("NUMBER", lambda key, text: read_number(key, text, float))
NAMES = Kind("[NAME,...]", lambda key, text: listed(text))
TRUTH = Kind("true|false", _truth, lambda start: (word for word in ("true", "false") if word.startswith(start)))
FILE = Kind("FILE", lambda key, text: text, paths)
FOLDER = Kind("FOLDER", lambda key, text: text, _folders)
ROWS = Kind("FILE", lambda key, text: text, paths)  # or a folder
TABLE_FILE = Kind("FILE", lambda key, text: output_file(text), paths)
RUN = Kind("DIR", lambda key, text: find_run(text, key), runs)
PLACES = Kind("DIR_OR_GLOB", lambda key, text: text, runs)
RUNS_OF = Kind("DIR,...", _several_runs, runs)
