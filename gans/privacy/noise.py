"""Noise that holds to the letter: exact samplers of OpenDP on whole numbers, with randomness of the system.

Floats leak what they round away (Mironov 2012), so that counts get discrete noise and scores are whole numbers. There
is no seed: noise that can be drawn again is no noise.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from gans.errors import missing_extra


@cache
def _opendp() -> Any:
    """OpenDP.

    Raises:
        UserError: it is not installed.
    """
    try:
        import opendp.prelude
    except ImportError:
        raise missing_extra("privacy", "privacy") from None
    dp: Any = opendp.prelude
    dp.enable_features("contrib")
    return dp


def discrete_gaussian(counts: np.ndarray, scale: float) -> np.ndarray:
    """Whole numbers [n] with noise of the discrete Gaussian (Canonne, Kamath and Steinke 2020, arXiv:2004.00010).

    Args:
        counts: whole numbers.
        scale: its standard deviation, nearly.
    """
    dp = _opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="i64")
    return np.array(dp.m.make_gaussian(*space, float(scale))([int(count) for count in counts]), np.int64)


def noisy_max(scores: Sequence[int], scale: float) -> int:
    """The place of the largest score with Gumbel noise: the exponential mechanism.

    McSherry and Talwar 2007: place i has probability in proportion to exp(score_i / scale).
    """
    dp = _opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
    choose = dp.m.make_noisy_max(*space, dp.zero_concentrated_divergence(), scale=float(scale))
    return int(choose([int(score) for score in scores]))
