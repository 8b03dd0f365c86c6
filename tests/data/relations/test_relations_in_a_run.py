"""Relations in a run: found before the codec is fitted, kept with it, part of what a resumed run must share."""

from pathlib import Path

import numpy as np
import pytest

from gans.config.compose import compose
from gans.data.codecs import FittedCodec
from gans.data.layout import Encoded
from gans.errors import UserError
from gans.runs.prepare import Prepared, prepare

CHARITY = ["data=charity", "tracker.mode=disabled"]


@pytest.fixture(scope="module")
def ready() -> Prepared:
    return prepare(compose(CHARITY))


def random_rows(codec: FittedCodec, rows: int = 500) -> Encoded:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(rows, codec.layout.scalars)).astype(np.float32)
    codes = [rng.integers(0, size, rows) for size in codec.layout.cardinalities]
    return Encoded(scores, np.stack(codes, 1).astype(np.int32))


def texts(ready: Prepared) -> list[str]:
    """Of the relations beside exclusions."""
    return [row["text"] for row in ready.split.schema.relations if row["kind"] != "exclusion"]


def test_a_gift_means_a_response(ready: Prepared, tmp_path: Path) -> None:
    training = ready.split.training
    assert texts(ready) == ["gift -> responded"]
    assert "responded" in [column.name for column in ready.split.schema.features]
    assert "responded" not in [fitted.column.name for fitted in ready.codec.columns]
    made = ready.codec.decode(random_rows(ready.codec))
    assert made.schema.equals(training.schema)
    seen = dict(zip(training["gift"].to_pylist(), training["responded"].to_pylist(), strict=True))
    assert all(seen[g] == r for g, r in zip(made["gift"].to_pylist(), made["responded"].to_pylist(), strict=True))
    assert len(set(made["responded"].to_pylist())) == 2
    ready.holdout.compare(made)  # determined columns are compared too
    assert "responded" in ready.training.compare(made).columns


def test_a_condition_is_learned_and_the_rest_is_said(ready: Prepared) -> None:
    run = compose([*CHARITY, "condition=labels", "condition.columns=[responded]"])
    conditional = prepare(run)
    assert [fitted.column.name for fitted in conditional.condition.columns] == ["responded"]
    assert texts(conditional) == []
    lines = conditional.codec.relations.lines()
    assert lines == [
        "not kept: gift -> responded; condition.columns names 'responded', which is rebuilt from gift; "
        "condition on gift instead"
    ]


def test_a_declared_one_and_a_condition_contradict_each_other() -> None:
    relations = 'data.relations=["gift -> responded"]'
    with pytest.raises(UserError, match=r"'gift -> responded': condition\.columns names 'responded', which is rebuilt"):
        prepare(compose([*CHARITY, relations, "condition=labels", "condition.columns=[responded]"]))
    with pytest.raises(UserError, match="cannot read"):
        prepare(compose([*CHARITY, 'data.relations=["gift ? responded"]']))


def test_a_run_goes_on_only_with_its_relations(ready: Prepared) -> None:
    assert prepare(compose(CHARITY)).fingerprint() == ready.fingerprint()
    other = prepare(compose([*CHARITY, "data.relations=[auto,\"if responded == 'no' then gift == 0\"]"]))
    assert other.fingerprint() != ready.fingerprint()
    assert prepare(compose([*CHARITY, "data.relations=[]"])).codec.relations.relations == []
