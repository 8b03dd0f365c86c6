"""GAN variants in JAX: tables of customer profiles in, synthetic ones out."""

import signal
import sys
from itertools import pairwise
from types import FrameType
from typing import TYPE_CHECKING, Any

if "".join(sys.orig_argv[1:2]).endswith("/gans") or any(
    flag == "-m" and f"{module}.".startswith("gans.") for flag, module in pairwise(sys.orig_argv)
):

    def _end(number: int, frame: FrameType | None) -> None:
        """End a command that has not begun yet: nothing is written, and an import is no place for an exception."""
        import os

        del number, frame
        os.write(2, b"interrupted\n")
        os._exit(130)

    for _number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(_number) != signal.SIG_IGN:
            signal.signal(_number, _end)

from gans.errors import UserError
from gans.notebook.names import NAMES, named

if TYPE_CHECKING:
    from gans.notebook.comparisons import compare
    from gans.notebook.tables import load_charity, load_households, load_loans, profiles, simulate_shop
    from gans.synthesizer import Synthesizer, load

__all__ = [
    "Synthesizer",
    "UserError",
    "compare",
    "load",
    "load_charity",
    "load_households",
    "load_loans",
    "profiles",
    "simulate_shop",
]


def __getattr__(name: str) -> Any:
    """What a notebook uses, imported when it is used, for it imports scikit-learn and more.

    `profiles` and `compare` are commands, too: once `gans.profiles` was imported as a module, the import system puts
    the module here, and this function is not asked any more. That module can be called for this reason, see
    `gans.notebook.names.Command`. A type checker sees the functions, which are declared above, unless the same file
    imports the module by its whole name, too.
    """
    if name not in NAMES:
        raise AttributeError(f"module 'gans' has no attribute '{name}'")
    return named(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *NAMES})
