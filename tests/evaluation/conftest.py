"""What the tests of the evaluation share."""

from collections.abc import Iterator
from typing import Any

import pytest

from gans.evaluation import unseen
from gans.evaluation.metrics import METRICS, all_metrics


@pytest.fixture(scope="module")
def few_trees() -> Iterator[None]:
    """Trees enough to tell rows apart, in a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(unseen.TREES, "n_estimators", 20)
        yield


@pytest.fixture
def forgotten() -> Any:
    """What a test registers is forgotten after it."""
    known = dict(all_metrics())
    yield
    METRICS.clear()
    METRICS.update(known)
