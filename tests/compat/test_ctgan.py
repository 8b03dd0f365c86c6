"""The stand-in for ctgan: a script with the import as the only difference, and every argument and method by itself."""

import importlib.util
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gans.compat.ctgan import CTGAN
from gans.config.compose import compose
from gans.config.run import Run
from gans.runs import execute as pipeline
from gans.runs.prepare import prepare
from gans.synthesizer import Synthesizer

ROWS = 121
QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 40,
    "embedding_dim": 6,
    "generator_dim": (8, 5),
    "discriminator_dim": (7,),
}
DISCRETE = ["plan", "code", "a name, with.dots", "flag", "word"]
SCRIPT = """
{line}
model = CTGAN(epochs=2, batch_size=40, embedding_dim=6, generator_dim=(8, 5), discriminator_dim=(7,), pac=10)
model.set_random_state(7)
model.fit(frame, discrete)
rows = model.sample(30)
model.sample(9, condition_column="plan", condition_value="gold")
model.save(path)
loaded = CTGAN.load(path)
loaded.set_device("cpu")
loaded.set_random_state(1)
again = loaded.sample(12)
losses = model.loss_values
"""
LINES = {"ctgan": "from ctgan import CTGAN", "gans": "from gans.compat.ctgan import CTGAN"}
INSTALLED = importlib.util.find_spec("ctgan") is not None


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "plan": rng.choice(["basic", "plus", "gold"], ROWS),
            "spend": rng.gamma(2, 50, ROWS).astype(np.float32),
            "a name, with.dots": rng.integers(0, 4, ROWS).astype(np.int16),
            "größe": rng.normal(size=ROWS),
            "": rng.integers(0, 90, ROWS),
            "code": pd.Categorical(rng.choice(["p", "q"], ROWS), ["q", "p", "r"]),
            "flag": rng.random(ROWS) < 0.4,
            "row": np.arange(ROWS),
            "word": [f"word{place}" for place in range(ROWS)],
            "two": rng.integers(0, 2, ROWS),
        }
    )
    return frame


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame()


@pytest.fixture(scope="module")
def fitted(frame: pd.DataFrame) -> CTGAN:
    model = CTGAN(**QUICK)
    model.set_random_state(3)
    model.fit(frame, DISCRETE)
    return model


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that are asked for; none is trained."""
    runs: list[Run] = []

    class EnoughError(Exception):
        pass

    def execute(run: Run, *_: Any, **__: Any) -> None:
        runs.append(run)
        raise EnoughError

    monkeypatch.setattr(pipeline, "execute", execute)
    monkeypatch.setattr(CTGAN, "_train", _swallow(CTGAN._train, EnoughError))
    return runs


def _swallow(call: Any, error: type[Exception]) -> Any:
    def train(*arguments: Any) -> None:
        with pytest.raises(error):
            call(*arguments)

    return train


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "package", ["gans", pytest.param("ctgan", marks=pytest.mark.skipif(not INSTALLED, reason="ctgan is not there"))]
)
def test_one_script_with_another_import(package: str, frame: pd.DataFrame, tmp_path: Path) -> None:
    known = {"frame": frame, "discrete": DISCRETE, "path": str(tmp_path / "model.pkl")}
    exec(SCRIPT.format(line=LINES[package]), known)
    for name, count in (("rows", 30), ("again", 12)):
        rows: Any = known[name]
        assert list(rows.columns) == list(frame.columns)
        assert rows.dtypes.to_dict() == frame.dtypes.to_dict()
        assert list(rows.index) == list(range(count))
        for column in DISCRETE:
            assert set(rows[column]) <= set(frame[column])
    losses: Any = known["losses"]
    assert [str(kind) for kind in losses.dtypes] == ["int64", "float64", "float64"]
    assert list(losses.columns) == ["Epoch", "Generator Loss", "Discriminator Loss"]
    assert list(losses["Epoch"]) == [0, 1]
    assert np.isfinite(losses).all(axis=None)


def test_values_are_those_a_column_can_have(fitted: CTGAN, frame: pd.DataFrame) -> None:
    rows: Any = fitted.sample(500)
    for name in frame.columns:
        if name not in ("plan", "flag", "code", "word"):
            assert frame[name].min() <= rows[name].min() <= rows[name].max() <= frame[name].max(), name
        assert rows[name].nunique() > 1, name


def test_the_value_of_a_condition_is_in_every_row(fitted: CTGAN) -> None:
    for name, value in (("plan", "gold"), ("flag", True), ("flag", np.False_)):
        rows: Any = fitted.sample(50, name, value)
        assert list(rows[name]) == [value] * 50
        assert len(rows["größe"].unique()) > 10


def test_seeds(fitted: CTGAN) -> None:
    drawn = []
    for seed in (5, 5, 6):
        fitted.set_random_state(seed)
        drawn.append([fitted.sample(20), fitted.sample(20)])
    pd.testing.assert_frame_equal(drawn[0][0], drawn[1][0])
    pd.testing.assert_frame_equal(drawn[0][1], drawn[1][1])
    for other in (drawn[0][1], drawn[2][0]):
        assert not drawn[0][0]["größe"].equals(other["größe"])
    fitted.set_random_state((np.random.RandomState(5), None))
    pd.testing.assert_frame_equal(drawn[0][0], fitted.sample(20))
    fitted.set_random_state(None)
    np.random.seed(5)  # of old, numpy's global generator is what decides
    pd.testing.assert_frame_equal(drawn[0][0], fitted.sample(20))


def test_a_loaded_model_goes_on_as_the_saved_one(fitted: CTGAN, tmp_path: Path) -> None:
    fitted.set_random_state(11)
    fitted.sample(1)
    fitted.save(tmp_path / "model.pkl")
    fitted.save(tmp_path / "model.pkl")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pkl"]
    loaded = CTGAN.load(str(tmp_path / "model.pkl"))
    pd.testing.assert_frame_equal(loaded.sample(15), fitted.sample(15))
    assert isinstance(fitted.loss_values, pd.DataFrame)
    pd.testing.assert_frame_equal(loaded.loss_values, fitted.loss_values)
    loaded.save(tmp_path / "second.pkl")
    pd.testing.assert_frame_equal(CTGAN.load(tmp_path / "second.pkl").sample(15), loaded.sample(15))


def test_the_saved_file_is_a_run_directory(fitted: CTGAN, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model.pkl")
    with zipfile.ZipFile(tmp_path / "model.pkl") as archive:
        assert json.loads(archive.read("ctgan.json"))["arguments"]["generator_dim"] == [8, 5]
        archive.extractall(tmp_path / "run")
    rows = Synthesizer.load(tmp_path / "run").sample(10)
    assert set(rows["plan"]) <= {"basic", "plus", "gold"}


def test_arrays_in_arrays_out(frame: pd.DataFrame, tmp_path: Path) -> None:
    named = frame[["plan", "größe", "flag", "row"]]
    whole = np.column_stack([np.arange(ROWS) % 3, np.random.default_rng(0).normal(size=ROWS)])
    for data, discrete in ((named.to_numpy(), [0, 2]), (whole, [0])):
        model = CTGAN(**QUICK)
        model.fit(data, discrete)
        model.save(tmp_path / "model")
        for one in (model, CTGAN.load(tmp_path / "model")):
            rows: Any = one.sample(20)
            assert isinstance(rows, np.ndarray)
            assert rows.dtype == data.dtype
            assert rows.shape == (20, data.shape[1])
            assert set(rows[:, 0]) <= set(data[:, 0])
            fixed: Any = one.sample(8, "0", data[0, 0])
            assert set(fixed[:, 0]) == {data[0, 0]}


def test_every_argument_reaches_the_run(asked: list[Run], frame: pd.DataFrame) -> None:
    CTGAN(
        embedding_dim=9,
        generator_dim=(3, 4, 5),
        discriminator_dim=[6],
        generator_lr=0.1,
        generator_decay=0.2,
        discriminator_lr=0.3,
        discriminator_decay=0.4,
        batch_size=30,
        discriminator_steps=3,
        epochs=7,
        pac=6,
        log_frequency=False,
    ).fit(frame, DISCRETE)
    run: Any = asked[0]
    assert (run.network.latent, run.network.pack) == (9, 6)
    assert (run.network.generator_widths, run.network.discriminator_widths) == ([3, 4, 5], [6])
    rates = (run.optimizer.learning_rate, run.optimizer.discriminator_learning_rate)
    decays = (run.optimizer.weight_decay, run.optimizer.discriminator_weight_decay)
    assert (rates, decays) == ((0.1, 0.3), (0.2, 0.4))
    assert (run.trainer.critic_steps, run.trainer.batch_size, run.trainer.best) == (3, 30, "last")
    assert (run.name, run.condition.log_frequency) == ("ctgan", False)
    assert run.trainer.steps == 7 * ((ROWS - 1) // 30)
    assert run.data.split(_table(frame)).holdout.num_rows == 1
    assert run.data.kinds == {
        "plan": "category",
        "spend": "numeric",
        "a name, with.dots": "category",
        "größe": "numeric",
        "": "integer",
        "code": "category",
        "flag": "category",
        "row": "integer",
        "word": "category",
        "two": "integer",
    }


def _table(frame: pd.DataFrame) -> Any:
    from gans.data.frames import read_frame

    return read_frame(frame).table


def test_defaults_are_those_of_ctgan(asked: list[Run]) -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=1201), "k": [0.0] + [1.0] * 1200})
    CTGAN().fit(frame)
    run: Any = asked[0]
    assert (run.network.latent, run.network.pack, run.trainer.batch_size) == (128, 10, 500)
    assert run.network.generator_widths == run.network.discriminator_widths == [256, 256]
    assert (run.optimizer.learning_rate, run.optimizer.weight_decay) == (2e-4, 1e-6)
    assert run.trainer.steps == 600
    assert run.data.kinds == {"x": "numeric", "k": "integer"}
    CTGAN().fit(frame, ["k"])
    conditions: list[Any] = [run.condition for run in asked]
    assert conditions[0].names() == []
    assert conditions[1].log_frequency


def test_a_table_of_numbers_only(frame: pd.DataFrame) -> None:
    model = CTGAN(**QUICK)
    model.fit(frame[["spend", "row"]].assign(k="one"), ["k"])
    rows: Any = model.sample(40)
    assert (rows.shape, set(rows["k"])) == ((40, 3), {"one"})
    fixed: Any = model.sample(2, "k", "one")
    assert list(fixed["k"]) == ["one", "one"]
    with pytest.raises(ValueError, match="`two` doesn't exist in the column `k`"):
        model.sample(2, "k", "two")


def test_a_discrete_column_that_follows_from_a_number_is_learned(asked: list[Run]) -> None:
    rng = np.random.default_rng(1)
    store = rng.integers(0, 12, 400)
    city = np.array(["Rome", "Bonn", "Lyon"])[store % 3]
    frame = pd.DataFrame({"store": store, "city": city, "sales": rng.normal(size=400), "`": rng.integers(0, 9, 400)})
    CTGAN(**QUICK).fit(frame, ["city"])
    table = pa.table({name: frame[name].to_numpy() for name in frame})
    assert [fitted.column.name for fitted in prepare(asked[0], table).codec.columns if fitted.levels] == ["city"]


def test_small_tables_have_small_batches(asked: list[Run], frame: pd.DataFrame) -> None:
    CTGAN(epochs=5).fit(frame.head(38), DISCRETE)
    assert (asked[0].trainer.batch_size, asked[0].trainer.steps) == (30, 5)


def test_missing_values_dates_and_numbers_for_names(asked: list[Run], frame: pd.DataFrame) -> None:
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(ROWS), unit="D")
    gone = frame[["spend", "plan"]].assign(joined=dates).set_axis([0, 1, 2], axis=1)
    gone.loc[::3, [0, 1]] = None
    CTGAN(**QUICK).fit(gone, [1])
    assert asked[0].data.kinds == {"0": "numeric", "1": "category", "2": "datetime"}


@pytest.mark.parametrize(
    ("change", "discrete", "error", "said"),
    [
        (lambda frame: frame, ["plann"], ValueError, r"Invalid columns found: \['plann'\]. Did you mean 'plan'"),
        (lambda frame: frame, ["plan"], TypeError, "'code' holds text; list it in discrete_columns"),
        (lambda frame: frame[["spend"]].to_numpy(), [5], ValueError, r"Invalid columns found: \[5\]"),
        (lambda frame: frame.to_dict(), [], TypeError, "`train_data` should be either pd.DataFrame or np.array"),
        (lambda frame: frame["spend"].to_numpy(), [], ValueError, "1 dimensions"),
        (lambda frame: frame.assign(spend=np.inf), DISCRETE, ValueError, "'spend' holds an infinite number"),
        (lambda frame: frame.head(0), DISCRETE, ValueError, "empty"),
        (lambda frame: frame.head(8), DISCRETE, ValueError, "pac=10: the table has only 7 training rows"),
        (lambda frame: frame.assign(two=1j), DISCRETE, ValueError, "'two' of the frame has the dtype complex128"),
        (lambda frame: frame.assign(code=pd.Timestamp(0)), DISCRETE, TypeError, "'code' holds timestamp"),
        (lambda frame: frame.rename(columns={"two": object()}), DISCRETE, ValueError, "a name of a column"),
    ],
)
def test_mistakes_in_fit(frame: pd.DataFrame, change: Any, discrete: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        CTGAN(**QUICK).fit(change(frame), discrete)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"batch_size": 21}, AssertionError, "batch_size=21: it must be even"),
        ({"batch_size": 22}, AssertionError, "batch_size=22: it must be a multiple of pac=10"),
        ({"pac": 0}, ValueError, "pac=0"),
        ({"epochs": 0}, ValueError, "steps=0"),
        ({"generator_lr": -1.0}, ValueError, "learning_rate=-1"),
        ({"generator_dim": (8, 0)}, ValueError, "generator_widths=0"),
        ({"discriminator_steps": 0}, ValueError, "critic_steps=0"),
    ],
)
def test_arguments_out_of_range(
    frame: pd.DataFrame, arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        CTGAN(**{**QUICK, **arguments}).fit(frame, DISCRETE)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (("plann", "gold"), "The column_name `plann` doesn't exist in the data. Did you mean 'plan'"),
        (("plan", "golf"), "does not occur.*Did you mean 'gold'"),
        (("spend", 3.0), "`spend` is not discrete"),
    ],
)
def test_mistakes_in_sample(fitted: CTGAN, condition: tuple[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fitted.sample(3, *condition)
    with pytest.raises(ValueError, match="n=-1"):
        fitted.sample(-1)
    none: Any = fitted.sample(0)
    assert none.dtypes.to_dict() == make_frame().dtypes.to_dict()
    assert len(none) == 0


def test_before_fit_and_other_files(tmp_path: Path) -> None:
    for call in (lambda: CTGAN().sample(3), lambda: CTGAN().save(tmp_path / "model")):
        with pytest.raises(AttributeError, match="not fitted"):
            call()
    with pytest.raises(FileNotFoundError):
        CTGAN.load(tmp_path / "nothing")
    (tmp_path / "other").write_bytes(b"PK no zip")
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / 'other'}: ")):
        CTGAN.load(tmp_path / "other")


def test_deprecated_arguments(asked: list[Run], frame: pd.DataFrame) -> None:
    with pytest.warns(FutureWarning, match="cuda"):
        model = CTGAN(cuda=False)
    assert model._device == "cpu"
    with pytest.warns(DeprecationWarning, match="epochs"):
        CTGAN(**QUICK).fit(frame, DISCRETE, epochs=5)
    assert asked[0].trainer.steps == 5 * (120 // 40)


def test_device_and_random_state_of_another_kind() -> None:
    with pytest.raises(RuntimeError, match=r"device=cpuu: .*Did you mean 'cpu'"):
        CTGAN().set_device("cpuu")
    with pytest.raises(TypeError, match="random_state"):
        CTGAN().set_random_state("x")


def test_log_frequency_decides_how_levels_are_picked_in_training() -> None:
    given = ["+experiment=ctgan", "data=charity", "data.limit=400", "trainer.batch_size=20"]
    ends = {}
    for log in ("true", "false"):
        ready = prepare(compose([*given, f"condition.log_frequency={log}"]))
        known: Any = ready.rows.condition
        size = ready.condition.cardinalities[0]
        ends[log], count = known["ends"][:size], known["count"][:size]
    np.testing.assert_allclose(ends["false"], np.cumsum(count) / count.sum(), rtol=1e-6)
    np.testing.assert_allclose(ends["true"], np.cumsum(np.log1p(count)) / np.log1p(count).sum(), rtol=1e-6)
