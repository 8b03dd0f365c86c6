"""The components of a run, by group and name.

A component is a keyword-only dataclass: its fields are its hyper-parameters, its methods are pure. `register` is all
that a new one needs; `gans.config` hands the registered classes to Hydra as the schema of `conf/GROUP/NAME.yaml`.
"""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

COMPONENTS: dict[str, dict[str, type]] = {}


def register(group: str, name: str) -> Callable[[type[T]], type[T]]:
    """Class decorator: make a dataclass selectable as `GROUP=NAME`.

    Raises:
        ValueError: another class already has this group and name.
    """

    def decorate(cls: type[T]) -> type[T]:
        known = COMPONENTS.setdefault(group, {})
        if name in known and known[name].__qualname__ != cls.__qualname__:
            raise ValueError(f"{group}={name} is already {known[name].__module__}.{known[name].__qualname__}")
        known[name] = cls
        return cls

    return decorate
