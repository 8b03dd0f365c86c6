"""Networks of images go on from those of other images: digits with a class missing, and the other way round."""

from pathlib import Path

import jax
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from flax.serialization import to_state_dict

from gans.config.compose import compose
from gans.data.detection import normalise
from gans.runs.execute import execute
from gans.runs.prepare import prepare
from gans.runs.saved import SavedRun
from gans.runs.transfer import take_over

SMALL = (
    "+experiment=cgan",
    "data=digits",
    "network=dcgan",
    "network.channels=4",
    "trainer.steps=2",
    "trainer.batch_size=16",
    "trainer.best=last",
    "trainer.evaluate_rows=100",
    "+debug=limit",
    "tracker.mode=disabled",
    "samples=10",
)


def digits(without: str | None = None) -> pa.Table:
    table = normalise(compose(list(SMALL)).data.read())
    return table.filter(pc.not_equal(table["digit"], without)) if without else table  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(("before", "after"), [(None, "9"), ("9", None)])
def test_all_is_taken_over_but_a_class_that_is_new(before: str | None, after: str | None, tmp_path: Path) -> None:
    execute(compose([*SMALL, f"run_dir={tmp_path / 'source'}"]), digits(before), show=False)
    source = SavedRun.open(tmp_path / "source")
    run = compose([*SMALL, f"transfer.run={tmp_path / 'source'}"])
    carried = take_over(source, run, prepare(run, digits(after), source))
    assert carried.lines == [f"digit: taken over, 9 of {9 + (after is None)} levels", "image: taken over"]
    state = to_state_dict(source.state)
    for part in ("generator", "discriminator"):
        there = jax.tree.leaves(carried.there[part])
        fresh = sum(int((1 - leaf).sum()) for leaf in there)
        assert (fresh > 0) == (after is None)
        assert fresh < 0.1 * sum(leaf.size for leaf in there)
        pairs = zip(*(jax.tree.leaves(tree) for tree in (carried.values[part], state[part])), there, strict=True)
        same = [(leaf, old) for leaf, old, known in pairs if known.all() and leaf.shape == old.shape]
        assert len(same) >= 4
        assert all(np.array_equal(leaf, old) for leaf, old in same)
