"""Chunks of candidates of which some hold levels that never go together."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gans.data.layout import Encoded, Layout
from gans.errors import UserError
from gans.sampling import chunks
from gans.sampling.chunks import CHUNK, SPARED, Chunks, Request

LAYOUT = Layout(scalars=0, bound=1.0, cardinalities=(2, 2), columns=(0, 0, 1, 1), exclusions=((0, 1, 1, 1),))


class Broken:
    """A generator of which a share of the rows hold the exclusion; it knows how often it was called."""

    def __init__(self, share: float) -> None:
        self.share, self.calls = share, 0

    def __call__(self, parameters: Any, request: Request) -> Encoded:
        self.calls += 1
        rng = np.random.default_rng((request.attempt, request.retry))
        both = rng.permutation(CHUNK) < round(self.share * CHUNK)
        codes = np.where(both[:, None], 1, np.stack([rng.integers(0, 2, CHUNK), np.zeros(CHUNK, int)], axis=1))
        return Encoded(np.zeros((CHUNK, 0), np.float32), codes.astype(np.int32))


class Alike:
    """A refinement by which all candidates are equally likely."""

    def __init__(self, candidates: int = 3) -> None:
        self.candidates = candidates

    def adjust(self, rows: Encoded, given: np.ndarray | None) -> Encoded:
        return rows

    def log_weights(self, rows: Encoded) -> np.ndarray:
        return np.zeros(len(rows.codes))


@pytest.fixture(autouse=True)
def as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "settle", lambda codec, rows, given: rows)


def made(share: float, refinement: Any) -> tuple[Encoded, int]:
    generator: Any = Broken(share)
    codec: Any = SimpleNamespace(layout=LAYOUT)
    return Chunks(generator, None, codec, refinement).chosen(Request(0, 0)), generator.calls


@pytest.mark.parametrize(("share", "calls"), [(0.0, 3), (SPARED / 2, 3), (SPARED * 2, 6)])
def test_a_pool_spares_a_few_broken_candidates(share: float, calls: int) -> None:
    rows, count = made(share, Alike())
    assert count == calls  # one for each chunk of the pool, and another where more than `SPARED` of it is broken
    assert not LAYOUT.violated(rows.codes).any()
    assert len(rows.codes) == CHUNK
    assert abs(rows.codes[:, 0].mean() - 0.5) < 0.05


@pytest.mark.parametrize("refinement", [None, Alike(candidates=1)])
def test_rows_among_which_there_is_no_choice_are_made_again_until_none_is_broken(refinement: Any) -> None:
    rows, count = made(SPARED / 2, refinement)
    assert count > 1
    assert not LAYOUT.violated(rows.codes).any()


@pytest.mark.parametrize("refinement", [None, Alike()])
def test_a_generator_that_keeps_no_exclusion_is_said(refinement: Any) -> None:
    with pytest.raises(UserError, match="4096 of 4096 rows hold levels that never go together"):
        made(1.0, refinement)
