import datetime
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from gans.data.frames import read_frame
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
    path = tmp_path_factory.mktemp("fit") / "run"
    return Synthesizer(experiment="cgan", overrides=overrides, run_dir=path, progress=False).fit(frame)


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


def test_conditions_and_relations_in_text(fitted: Synthesizer) -> None:
    relations = ["if plan == 'gold' then city == 'Rome'"]
    rows = fitted.sample(60, where="plan in ('gold', 'plus') and age >= 40", relations=relations)
    assert set(rows["plan"]) == {"gold", "plus"}
    assert rows["age"].min() >= 40
    assert set(rows["city"][rows["plan"] == "gold"].dropna()) == {"Rome"}
    pd.testing.assert_frame_equal(fitted.sample(9, refine=False), fitted.sample(9))  # the run has none
    with pytest.raises(UserError, match="'plan <<= age': cannot read"):
        fitted.sample(3, relations=["plan <<= age"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n": 0}, r"n=0: it must be at least 1\."),
        ({"n": -1}, r"n=-1: it must be at least 1\."),
        ({"n": 2.5}, r"n=2\.5: a whole number is needed\."),
        ({"n": "x"}, r"n='x': a whole number is needed\."),
        ({"n": True}, r"n=True: a whole number is needed\."),
        ({"n": 3, "seed": -1}, r"seed=-1: it must be at least 0 and at most 2147483647\."),
        ({"n": 3, "seed": 0.5}, r"seed=0\.5: a whole number is needed\."),
    ],
)
def test_sample_ranges(fitted: Synthesizer, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=f"^{said}$"):
        fitted.sample(**given)


def test_whole_numbers_of_numpy_are_whole(fitted: Synthesizer) -> None:
    assert len(fitted.sample(np.int64(3), seed=np.int32(1))) == 3  # pyright: ignore[reportArgumentType]


def test_seeds(fitted: Synthesizer) -> None:
    rows = fitted.sample(40, seed=1)
    pd.testing.assert_frame_equal(rows, fitted.sample(40, seed=1))
    pd.testing.assert_frame_equal(rows.head(15), fitted.sample(15, seed=1))
    assert not rows["spend"].equals(fitted.sample(40, seed=2)["spend"])


def test_saved_and_loaded_it_is_the_same(
    fitted: Synthesizer, tmp_path: Path, snapshot: Callable[[Path], dict[str, str]]
) -> None:
    fitted.save(tmp_path / "saved")
    assert snapshot(tmp_path / "saved") == snapshot(fitted.run_dir_)
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    loaded = Synthesizer.load(tmp_path / "saved")
    where = {"plan": "plus"}
    pd.testing.assert_frame_equal(loaded.sample(30, where, seed=4), fitted.sample(30, where, seed=4))
    assert loaded.summary_ == fitted.summary_
    assert loaded.summary_["status"] == "completed"


def test_saving_over_something_raises(fitted: Synthesizer, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    for path in (tmp_path, tmp_path / "there"):
        with pytest.raises(UserError, match="exists; choose another path"):
            fitted.save(path)
    assert (tmp_path / "there").read_text() == "mine"


def test_loading_no_run_raises(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run directory"):
        Synthesizer.load(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
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
        (
            lambda frame: frame.assign(city=[1, "a"] * (ROWS // 2)),
            (),
            "column 'city' .* dtype object: it holds numbers and text",
        ),
        pytest.param(
            lambda frame: pd.concat([frame, frame[["age"]]], axis=1),
            (),
            "'age'",
        ),
        (
            lambda frame: [[1, 2]],
            (),
            "frame=builtins.list: allowed are pandas.DataFrame, polars.Data",
        ),
        (lambda frame: np.zeros((9, 2)), (), "frame=numpy.ndarray: allowed are"),
        (lambda frame: frame, ("trainer.step=3",), "Did you mean 'trainer.steps'"),
        (lambda frame: frame, ("condition.columns=[plann]",), "Did you mean 'plan'"),
    ],
    ids=["rows", "columns", "infinite", "mixed", "twice", "list", "array", "key", "condition"],
)
def test_mistakes_in_fit(
    frame: pd.DataFrame, change: Callable[[Any], Any], overrides: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    overrides = (*QUICK, "condition.columns=[plan]", *overrides)
    with pytest.raises(UserError, match=said):
        Synthesizer(experiment="cgan", overrides=overrides, run_dir=tmp_path / "run").fit(change(frame))
    assert not (tmp_path / "run").exists()


def test_an_unknown_experiment_is_named(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Did you mean 'cgan'"):
        Synthesizer(experiment="cgna", run_dir=tmp_path / "run").fit(frame)


@pytest.mark.usefixtures("no_report")
def test_large_whole_numbers_with_missing_ones_stay_exact(tmp_path: Path) -> None:
    numbers = [2**60 + 1, 2**60 + 3, 2**60 + 5, None] * 50
    frame = pd.DataFrame({"number": pd.array(numbers, dtype="Int64"), "kind": ["a", "b"] * 100})
    overrides = [*QUICK, "trainer.steps=1"]
    rows = (
        Synthesizer(experiment="vanilla", overrides=overrides, run_dir=tmp_path / "run", progress=False)
        .fit(frame)
        .sample(100)
    )
    assert set(rows["number"].dropna()) <= {2**60 + 1, 2**60 + 2, 2**60 + 3, 2**60 + 4, 2**60 + 5}


def test_a_quote_in_the_path_of_the_run(tmp_path: Path, frame: pd.DataFrame) -> None:
    with pytest.raises(UserError, match=r"trainer\.batch_size=0"):
        Synthesizer(experiment="vanilla", overrides=["trainer.batch_size=0"], run_dir=tmp_path / "it's").fit(frame)


@pytest.mark.usefixtures("no_report")
def test_a_batch_may_be_larger_than_the_table_and_levels_many(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shops = [f"s{k}" for k in range(60)]
    frame = pd.DataFrame(
        {"shop": np.resize(shops, 90), "spend": rng.normal(size=90), "plan": rng.choice(["a", "b"], 90)}
    )
    frame = frame.sample(frac=1, random_state=0)
    overrides = [*QUICK, "trainer.batch_size=150", "codec.levels=10", "condition=subsets", "data.holdout=0.02"]
    fitted = Synthesizer(experiment="vanilla", overrides=overrides, run_dir=tmp_path / "run", progress=False).fit(frame)
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
    model = Synthesizer(experiment="cgan", overrides=overrides, progress=False, kinds=kinds)
    model.fit(frame).save(tmp_path / "saved")
    rows = Synthesizer.load(tmp_path / "saved").sample(50)
    assert list(rows.columns) == list(frame.columns)
    assert rows.dtypes.to_dict() == frame.dtypes.to_dict()


# As an estimator


def test_parameters_are_stored_as_given() -> None:
    overrides, kinds = ["trainer.steps=3"], {"zip": "category"}
    model = Synthesizer(experiment="no such", overrides=overrides, kinds=kinds, progress=False)
    assert model.get_params() == {
        "experiment": "no such",
        "overrides": overrides,
        "run_dir": None,
        "progress": False,
        "kinds": kinds,
        "formats": None,
        "metadata": None,
    }
    assert model.overrides is overrides
    assert Synthesizer().get_params()["experiment"] == "tabular"
    with pytest.raises(ValueError, match="Invalid parameter 'steps'"):
        model.set_params(steps=3)


def test_a_clone_is_not_fitted_and_fits_the_same_rows(fitted: Synthesizer, frame: pd.DataFrame, tmp_path: Path) -> None:
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not copy.__sklearn_is_fitted__()
    assert copy.set_params(run_dir=tmp_path / "again").fit(frame, None) is copy
    pd.testing.assert_frame_equal(copy.sample(20), fitted.sample(20))


@pytest.mark.parametrize(
    "use",
    [
        *("sample", "save", "save_pretrained", "to_metadata", "evaluate", "report", "personas", "use", "augment"),
        "events",
    ],
)
def test_before_fit_nothing_is_drawn_or_written(use: str, tmp_path: Path) -> None:
    given = {"sample": {"n": 3}, "use": {"scenario": "marketing"}}
    given |= {name: {"path": tmp_path / "saved"} for name in ("save", "save_pretrained")}
    arguments: dict[str, Any] = given.get(use, {})
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(Synthesizer(), use)(**arguments)
    assert not (tmp_path / "saved").exists()


@pytest.mark.usefixtures("no_report")
def test_fitting_again_replaces_what_was_learned() -> None:
    model = Synthesizer(experiment="vanilla", overrides=(*QUICK, "trainer.steps=1"), progress=False)
    first = model.fit(pd.DataFrame({"a": ["x", "y"] * 50, "n": range(100)})).run_dir_
    model.set_params(experiment="cgan", overrides=[*QUICK, "trainer.steps=1", "condition.columns=[b]"])
    assert list(model.sample(5).columns) == ["a"]  # the numbers follow each other: an id
    model.fit(pd.DataFrame({"b": ["u", "v"] * 50, "c": ["r", "s", "t", "r"] * 25}))
    assert set(model.sample(30)["b"]) <= {"u", "v"}
    assert model.run_dir_ != first
    with pytest.raises(UserError, match="empty"):
        model.fit(pd.DataFrame())
    assert list(model.sample(5).columns) == ["b", "c"]


def test_importing_the_package_imports_no_scikit_learn() -> None:
    code = "import sys, gans, gans.train; print([m for m in ('sklearn', 'polars', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


# polars


def make_polars() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=int(day)) for day in rng.integers(0, 900, ROWS)]
    seen = [datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=int(s)) for s in rng.integers(0, 9e6, ROWS)]
    gone = rng.random(ROWS) < 0.25
    return pl.DataFrame(
        {
            "plan": pl.Series(rng.choice(["basic", "plus"], ROWS), dtype=pl.Enum(["plus", "basic", "gold"])),
            "city": pl.Series(rng.choice(["Rome", "Köln"], ROWS), dtype=pl.Categorical),
            "word": [None if no else word for no, word in zip(gone, rng.choice(["a", "b"], ROWS), strict=True)],
            "orders": pl.Series([None if no else k for no, k in zip(gone, range(ROWS), strict=True)], dtype=pl.UInt16),
            "spend": pl.Series(rng.gamma(2, 50, ROWS), dtype=pl.Float32),
            "active": rng.random(ROWS) < 0.5,
            "joined": days,
            "seen": pl.Series(seen, dtype=pl.Datetime("ms", "Europe/Rome")),
            "price": pl.Series(rng.gamma(2, 50, ROWS).round(2)).cast(pl.Decimal(9, 2)),
            "country": "NL",
            "nothing": pl.Series([None] * ROWS),
        }
    )


@pytest.mark.usefixtures("no_report")
def test_polars_in_polars_out(tmp_path: Path) -> None:
    frame = make_polars()
    overrides = [*QUICK, "condition.columns=[plan]"]
    model = Synthesizer(experiment="cgan", overrides=overrides, progress=False, kinds={"orders": "integer"}).fit(frame)
    rows = model.sample(50, where={"plan": "plus"})
    assert isinstance(rows, pl.DataFrame)
    assert rows.schema == frame.schema
    assert rows["plan"].unique().to_list() == ["plus"]
    assert set(rows["city"].cast(pl.String)) <= {"Rome", "Köln"}
    assert 0 < rows["orders"].null_count() < 50
    assert rows["country"].unique().to_list() == ["NL"]
    model.save(tmp_path / "saved")
    assert Synthesizer.load(tmp_path / "saved").sample(50, {"plan": "plus"}).equals(rows)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (
            pl.Series("odd", [2**70, 2, 3, 4], dtype=pl.Int128),
            "column 'odd' .* dtype Int128.*64 bits",
        ),
        (pl.Series("odd", [{1}, {2}, {3}, {4}], dtype=pl.Object), "column 'odd' of the frame has the dtype Object"),
        (pl.Series("odd", [[1], [2], [3], [4]]), "column 'odd' of the frame has the dtype List"),
    ],
    ids=["wide", "object", "list"],
)
def test_what_polars_holds_and_a_table_cannot(series: pl.Series, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_frame(pl.DataFrame([series]))


def test_a_lazy_frame_is_no_frame() -> None:
    with pytest.raises(UserError, match=r"frame=polars.lazyframe.frame.LazyFrame: allowed are"):
        read_frame(make_polars().lazy())  # pyright: ignore[reportArgumentType]
