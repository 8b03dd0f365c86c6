"""The functions and classes of the package by name, imported when they are used; commands that are functions, too."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

NAMES = {
    "Synthesizer": "gans.synthesizer",
    "compare": "gans.notebook.comparisons",
    "load": "gans.synthesizer",
    "load_charity": "gans.notebook.tables",
    "load_households": "gans.notebook.tables",
    "load_loans": "gans.notebook.tables",
    "profiles": "gans.notebook.tables",
    "simulate_shop": "gans.notebook.tables",
}


def named(name: str) -> Any:
    """The function or class of a name among NAMES."""
    return getattr(import_module(NAMES[name]), name)


class Command(ModuleType):
    """The module of a command that is called like the function of its name: `gans.profiles(orders=frame)`.

    The import of a module binds it to its name in its package, over a function of that name there. So that the call
    means the same before and after such an import, the module hands it on.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function of that name returns."""
        return named(self.__name__.removeprefix("gans."))(*args, **kwargs)


def make_callable(module: str) -> None:
    """Let the module of a command be called."""
    sys.modules[module].__class__ = Command
