from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gans.errors import UserError
from gans.synthesizer import Synthesizer

ROWS = 200
QUICK = (
    "+debug=limit",
    "trainer.steps=4",
    "trainer.batch_size=50",
    "network.latent=8",
    "network.generator_widths=[16,16,16]",
    "network.discriminator_widths=[16,8]",
)


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    plan = rng.choice(["basic", "plus", "gold"], ROWS)
    gone = rng.random(ROWS) < 0.25
    frame = pd.DataFrame(
        {
            "plan": pd.Categorical(plan, ["basic", "plus", "gold"], ordered=True),
            "orders": pd.Series(rng.integers(0, 40, ROWS), dtype="Int64").mask(gone),
            "age": rng.integers(18, 90, ROWS).astype(np.int16),
            "spend": rng.gamma(2, 50, ROWS).astype(np.float32),
            "rate": pd.Series(rng.normal(size=ROWS).round(3)).mask(gone),
            "active": rng.random(ROWS) < 0.5,
            "opted": pd.Series(rng.random(ROWS) < 0.5, dtype="boolean").mask(gone),
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, ROWS), unit="D"),
            "seen": (pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9e6, ROWS), unit="s")).tz_localize(
                "UTC"
            ),
            "city": np.where(gone, None, rng.choice(["Rome", "Köln", "São Paulo"], ROWS)),
            "country": "NL",
        }
    )
    return frame.set_index(pd.Index(range(500, 500 + ROWS), name="customer"))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame()


@pytest.fixture(scope="module")
def fitted(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    overrides = [*QUICK, "condition.columns=[plan,age]"]
    return Synthesizer.fit(frame, "cgan", overrides, tmp_path_factory.mktemp("fit") / "run", progress=False)


def test_columns_and_dtypes_are_those_of_the_frame(fitted: Synthesizer, frame: pd.DataFrame) -> None:
    rows = fitted.sample(60)
    assert list(rows.columns) == list(frame.columns)
    assert {name: str(kind) for name, kind in rows.dtypes.items()} == {
        name: str(kind) for name, kind in frame.dtypes.items()
    }
    assert list(rows.index) == list(range(60))


def test_values_are_those_a_column_can_have(fitted: Synthesizer, frame: pd.DataFrame) -> None:
    rows = fitted.sample(400, seed=2)
    for name in frame.columns:
        known, got = frame[name].dropna(), rows[name].dropna()
        if name in ("plan", "active", "opted", "city", "country"):
            assert set(got) <= set(known)
        else:
            assert known.min() <= got.min() <= got.max() <= known.max()
        assert frame[name].isna().any() or not rows[name].isna().any()
    for name in ("orders", "rate", "opted", "city"):
        assert 0 < rows[name].isna().mean() < 1
    assert set(rows["country"]) == {"NL"}
    np.testing.assert_array_equal(rows["rate"].dropna(), rows["rate"].dropna().round(3))


def test_whole_days_stay_whole_days(fitted: Synthesizer) -> None:
    joined = fitted.sample(100)["joined"]
    assert (joined == joined.dt.normalize()).all()


def test_where_holds_in_every_row(fitted: Synthesizer) -> None:
    rows = fitted.sample(100, where={"plan": "gold", "age": 40})
    assert set(rows["plan"]) == {"gold"}
    assert set(rows["age"]) == {40}
    assert set(fitted.sample(100)["plan"]) == {"basic", "plus", "gold"}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"plann": "gold"}, "'plann'.*Did you mean 'plan'"),
        ({"plan": "golf"}, "plan == 'golf' does not occur.*Did you mean 'gold'"),
        ({"age": 40.5}, "age == 40.5: the training rows hold whole numbers"),
    ],
)
def test_where_mistakes(fitted: Synthesizer, where: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        fitted.sample(3, where=where)


@pytest.mark.parametrize(("n", "seed"), [(0, 0), (3, -1)])
def test_sample_ranges(fitted: Synthesizer, n: int, seed: int) -> None:
    with pytest.raises(UserError, match="n=0" if n == 0 else "seed=-1"):
        fitted.sample(n, seed=seed)


def test_seeds(fitted: Synthesizer) -> None:
    rows = fitted.sample(40, seed=1)
    pd.testing.assert_frame_equal(rows, fitted.sample(40, seed=1))
    pd.testing.assert_frame_equal(rows.head(15), fitted.sample(15, seed=1))
    assert not rows["spend"].equals(fitted.sample(40, seed=2)["spend"])


def test_saved_and_loaded_it_is_the_same(
    fitted: Synthesizer, tmp_path: Path, snapshot: Callable[[Path], dict[str, str]]
) -> None:
    fitted.save(tmp_path / "saved")
    assert snapshot(tmp_path / "saved") == snapshot(fitted.run_dir)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    loaded = Synthesizer.load(tmp_path / "saved")
    where = {"plan": "plus"}
    pd.testing.assert_frame_equal(loaded.sample(30, where, seed=4), fitted.sample(30, where, seed=4))
    assert loaded.summary == fitted.summary
    assert loaded.summary["status"] == "completed"


def test_saving_over_something_raises(fitted: Synthesizer, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    for path in (tmp_path, tmp_path / "there"):
        with pytest.raises(UserError, match="exists; choose another path"):
            fitted.save(path)
    assert (tmp_path / "there").read_text() == "mine"


def test_loading_no_run_raises(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run directory"):
        Synthesizer.load(tmp_path)
    with pytest.raises(UserError, match="no run directory"):
        Synthesizer.load(tmp_path / "nothing")


def test_loading_a_run_of_the_command(finished: Any) -> None:
    rows = Synthesizer.load(finished.path).sample(5, where={"segment": "gold"})
    assert set(rows["segment"]) == {"gold"}


@pytest.mark.parametrize(
    ("change", "overrides", "said"),
    [
        (lambda frame: frame.head(0), (), "empty"),
        (lambda frame: frame[[]], (), "empty"),
        (lambda frame: frame.assign(spend=np.inf), (), "column 'spend' holds an infinite number"),
        (lambda frame: frame.assign(city=[1, "a"] * (ROWS // 2)), (), "the frame cannot be read.*city"),
        pytest.param(
            lambda frame: pd.concat([frame, frame[["age"]]], axis=1),
            (),
            "'age'",
        ),
        (lambda frame: frame, ("trainer.step=3",), "Did you mean 'trainer.steps'"),
        (lambda frame: frame, ("condition.columns=[plann]",), "Did you mean 'plan'"),
    ],
    ids=["rows", "columns", "infinite", "mixed", "twice", "key", "condition"],
)
def test_mistakes_in_fit(
    frame: pd.DataFrame, change: Callable[[Any], Any], overrides: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        Synthesizer.fit(change(frame), "cgan", [*QUICK, "condition.columns=[plan]", *overrides], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unknown_experiment_is_named(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'cgan'"):
        Synthesizer.fit(frame, "cgna", run_dir=tmp_path / "run")


@pytest.mark.usefixtures("no_report")
def test_large_whole_numbers_with_missing_ones_stay_exact(tmp_path: Path) -> None:
    numbers = [2**60 + 1, 2**60 + 3, 2**60 + 5, None] * 50
    frame = pd.DataFrame({"number": pd.array(numbers, dtype="Int64"), "kind": ["a", "b"] * 100})
    overrides = [*QUICK, "trainer.steps=1"]
    rows = Synthesizer.fit(frame, "vanilla", overrides, tmp_path / "run", progress=False).sample(100)
    assert set(rows["number"].dropna()) <= {2**60 + 1, 2**60 + 2, 2**60 + 3, 2**60 + 4, 2**60 + 5}


def test_a_quote_in_the_path_of_the_run(tmp_path: Path, frame: pd.DataFrame) -> None:
    with pytest.raises(UserError, match=r"trainer\.batch_size=0"):
        Synthesizer.fit(frame, "vanilla", ["trainer.batch_size=0"], tmp_path / "it's", progress=False)


@pytest.mark.usefixtures("no_report")
def test_a_batch_may_be_larger_than_the_table_and_levels_many(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shops = [f"s{k}" for k in range(60)]
    frame = pd.DataFrame(
        {"shop": np.resize(shops, 90), "spend": rng.normal(size=90), "plan": rng.choice(["a", "b"], 90)}
    )
    frame = frame.sample(frac=1, random_state=0)
    overrides = [*QUICK, "trainer.batch_size=150", "codec.levels=10", "condition=subsets", "data.holdout=0.02"]
    fitted = Synthesizer.fit(frame, "vanilla", overrides, tmp_path / "run", progress=False)
    rows = Synthesizer.load(tmp_path / "run").sample(400)
    assert set(rows["shop"]) <= set(shops)
    assert rows["shop"].nunique() > 20
    assert set(fitted.sample(20, where={"shop": "s7"})["shop"]) == {"s7"}


def test_the_order_of_categories_is_kept(fitted: Synthesizer, frame: pd.DataFrame) -> None:
    assert fitted.sample(10)["plan"].dtype == frame["plan"].dtype


@pytest.mark.usefixtures("no_report")
def test_names_that_no_override_can_spell(tmp_path: Path) -> None:
    names = ["a b", "x.y, z", "größe", "", "${odd}", "k=[v]"]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.permutation(ROWS) for name in names}).assign(plan=["a", "b"] * (ROWS // 2))
    kinds = dict.fromkeys(names, "integer")
    overrides = [*QUICK, "trainer.steps=1", "condition.columns=[plan]"]
    Synthesizer.fit(frame, "cgan", overrides, tmp_path / "run", progress=False, kinds=kinds).save(tmp_path / "saved")
    rows = Synthesizer.load(tmp_path / "saved").sample(50)
    assert list(rows.columns) == list(frame.columns)
    assert rows.dtypes.to_dict() == frame.dtypes.to_dict()
