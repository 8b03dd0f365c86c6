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

if TYPE_CHECKING:
    from gans.synthesizer import Synthesizer

__all__ = ["Synthesizer", "UserError"]


def __getattr__(name: str) -> Any:
    """`Synthesizer`, imported where it is used, for it imports scikit-learn."""
    if name != "Synthesizer":
        raise AttributeError(f"module 'gans' has no attribute '{name}'")
    from gans.synthesizer import Synthesizer

    return Synthesizer
