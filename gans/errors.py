"""Mistakes that a user can mend: one message, no traceback, exit status 2."""

import difflib
import importlib.metadata
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

DONE, USER_MISTAKE, DIVERGED, INTERRUPTED = 0, 2, 3, 130
ALIKE = 0.66  # 1 for the same word; 'mpl' and 'mlp' have 0.667, 'income' and 'Joined' 0.5
LEAST_PART = 3  # letters of a part of a word that was typed for it


class UserError(Exception):
    """A mistake in what the user gave. The message names the key or column, the value, and what is allowed."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """A sentence that names the closest allowed word, or nothing where none is close: " Did you mean 'age'?".

    A word is close that holds what was typed, or of whose letters two thirds agree with it; case does not count.
    """
    typed, words = name.casefold(), {word.casefold(): word for word in allowed}
    holding = [word for word in words if typed in word] if len(typed) >= LEAST_PART else []
    match = difflib.get_close_matches(typed, holding or words, n=1, cutoff=0 if holding else ALIKE)
    return f" Did you mean '{words[match[0]]}'?" if match else ""


def one_of(key: str, value: str, allowed: Iterable[str]) -> None:
    """Raise UserError unless `value` is among `allowed`."""
    allowed = list(allowed)
    if value not in allowed:
        raise UserError(f"{key}={value}: allowed are {', '.join(allowed)}.{nearest(str(value), allowed)}")


def in_range(
    key: str,
    value: float,
    low: float,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Raise UserError unless low <= value <= high (strictly where a side is open; high None: no upper bound)."""
    below = value <= low if open_low else value < low
    above = high is not None and (value >= high if open_high else value > high)
    if below or above or value != value:
        left = f"{'more than' if open_low else 'at least'} {_shown(low)}"
        right = "" if high is None else f" and {'less than' if open_high else 'at most'} {_shown(high)}"
        raise UserError(f"{key}={_shown(value)}: it must be {left}{right}.")


def _shown(value: float) -> str:
    """A whole number with all its digits, any other with six."""
    return str(value) if isinstance(value, int) else f"{value:g}"


def missing_extra(what: str, extra: str) -> UserError:
    """The error of something that needs an extra, with the command that brings it: in a checkout and elsewhere."""
    return UserError(f"{what} needs what is not installed: {install_command(extra)}")


def install_command(extra: str) -> str:
    """`python -m pip install` with the packages of an extra by name, which works in any folder."""
    try:
        requires = importlib.metadata.requires("gans") or []
    except importlib.metadata.PackageNotFoundError:
        requires = []
    found = [re.fullmatch(rf"(.+?);.*extra == ['\"]{extra}['\"]", one) for one in requires]
    packages = " ".join(f'"{one[1].strip()}"' for one in found if one) or f'-e ".[{extra}]"'
    return f"python -m pip install {packages}"


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was not enough memory: of Python, of a device, or of a library."""
    signs = "resource_exhausted", "out of memory", "bad_alloc", "unable to allocate"
    return isinstance(error, MemoryError) or any(sign in str(error).lower() for sign in signs)


def one_line(error: BaseException) -> str:
    """An error as one line without a full stop; of one that is no user's mistake its kind, and where it came from."""
    text = " ".join(str(error).split())[:300].rstrip(".")
    if isinstance(error, UserError):
        return text
    if out_of_memory(error):
        return "there was not enough memory for it"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(__file__).parent in Path(frame.filename).parents] or frames[-1:]
    where = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return f"{type(error).__name__}{where}{': ' * bool(text)}{text}"
