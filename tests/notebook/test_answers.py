"""What a Synthesizer says of its run: the same as the commands, from frames."""

import copy
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError

import gans
from gans.data.files import TableFile
from gans.errors import UserError
from gans.runs.again import of_columns
from gans.synthesizer import Synthesizer

ROWS = 500
SMALL = (
    "+debug=limit",
    "trainer.steps=4",
    "trainer.batch_size=50",
    "network.latent=8",
    "network.generator_widths=[16,16]",
    "network.discriminator_widths=[16,8]",
    "data.holdout=0.3",
    "data.target=churned",
)


def make_frame(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    income = rng.gamma(3, 900, ROWS).round(2)
    return pd.DataFrame(
        {
            "id": [f"C{seed}{place:05}" for place in range(ROWS)],
            "city": rng.choice(["Rome", "Ulm", "Bonn"], ROWS),
            "age": rng.integers(18, 90, ROWS),
            "income": income,
            "opened": (pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, ROWS), unit="D")).strftime(
                "%d.%m.%Y"
            ),
            "stay": pd.to_timedelta(rng.integers(1, 90, ROWS), unit="D"),
            "churned": np.where(rng.random(ROWS) < 0.2 + 0.4 * (income < 2000), "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame()


@pytest.fixture(scope="module")
def fitted(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    path = tmp_path_factory.mktemp("fit") / "run"
    overrides = [*SMALL, "data.drop=[id]"]
    return Synthesizer(experiment="vanilla", overrides=overrides, run_dir=path, progress=False).fit(frame)


@pytest.fixture(scope="module")
def loaded(fitted: Synthesizer, tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    path = tmp_path_factory.mktemp("saved") / "model"
    fitted.save_pretrained(path)
    return gans.load(path)


def test_dates_are_text_again(fitted: Synthesizer, frame: pd.DataFrame) -> None:
    rows = fitted.sample(50, where={"opened": slice("01.01.2021", "01.03.2021")})
    days = pd.to_datetime(rows["opened"], format="%d.%m.%Y")
    assert days.between("2021-01-01", "2021-02-28").all()
    assert rows.dtypes.to_dict() == frame.drop(columns="id").dtypes.to_dict()
    columns = fitted.to_metadata()["tables"]["table"]["columns"]
    assert columns["opened"] == {"sdtype": "datetime", "datetime_format": "%d.%m.%Y"}


def test_an_evaluation_is_a_frame_and_sentences(fitted: Synthesizer) -> None:
    found = fitted.evaluate(metrics="fast")
    written = json.loads((fitted.run_dir_ / "evaluation.json").read_text())
    assert written["rows"] == {"real": 350, "synthetic": 350, "test": 150}
    for name, score in written["scores"].items():
        assert found.scores.loc[name, "value"] == pytest.approx(score["value"], rel=1e-5)
    assert len(found.verdict) > 2
    html = found._repr_html_()
    assert html.count("<li>") == len(found.verdict)
    assert "column_distance" in html
    assert found.verdict[0] in repr(found)
    assert found.page is not None
    assert found.page.path == fitted.run_dir_ / "report.html"
    assert "detection" in found.page.path.read_text()


def test_it_is_that_of_the_command(fitted: Synthesizer, frame: pd.DataFrame, command: Any, tmp_path: Path) -> None:
    found = fitted.evaluate(metrics="fast", out=tmp_path / "python").scores
    source = fitted._given
    assert source is not None
    data, table = source
    split = data.split(table)
    for name, rows in (("real", split.training), ("test", split.holdout)):
        rows.to_pandas(date_as_object=False).to_parquet(tmp_path / f"{name}.parquet")
    run = f"run={fitted.run_dir_}"
    said = command("evaluate", run, "real=real.parquet", "test=test.parquet", "metrics=fast", "out=shell")
    assert said.status == 0, said.err
    scores = [json.loads((tmp_path / name / "evaluation.json").read_text())["scores"] for name in ("shell", "python")]
    assert scores[0] == scores[1]
    assert list(found.index) == [name for name in found.index if name in scores[0]]


def test_a_model_that_was_loaded_is_judged_by_frames(
    loaded: Synthesizer, fitted: Synthesizer, frame: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="it was trained on a frame, which its config does not name; give real=FILE"):
        loaded.evaluate(metrics="fast")
    found = loaded.evaluate(make_frame(1), real=frame, metrics="fast", out=tmp_path / "out")
    assert found.scores.loc["exact_copies", "value"] == 0
    rows = fitted.sample(200)
    again = loaded.evaluate(pl.from_pandas(make_frame(1)), real=frame, synthetic=rows, metrics="fast", out=tmp_path)
    assert again.scores["rows"].max() == 200


def test_a_page_shows_itself_and_is_saved(fitted: Synthesizer, tmp_path: Path) -> None:
    page = fitted.report()
    assert page._repr_html_().startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert page.save(tmp_path / "page.html").read_text() == page.path.read_text()
    assert repr(page) == f"Page('{fitted.run_dir_ / 'report.html'}')"
    with pytest.raises(UserError, match="the name of a file in a folder that is there"):
        page.save(tmp_path / "nowhere" / "page.html")


def test_personas_are_rows(fitted: Synthesizer, tmp_path: Path) -> None:
    found = fitted.personas(k=3, out=tmp_path)
    assert found.table.index.tolist() == [1, 2, 3]
    assert found.table["share_synthetic"].sum() == pytest.approx(1, abs=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["personas.csv", "personas.html"]
    assert "iframe" in (found.page._repr_html_() if found.page else "")


def test_a_use_answers_by_figure_and_arm(fitted: Synthesizer, tmp_path: Path) -> None:
    found = fitted.use("marketing", cost=2, margin=5, out=tmp_path)
    assert found.table.loc[("AUC", "real rows only"), "low"] < found.table.loc[("AUC", "real rows only"), "high"]
    assert set(found.table["verdict"]) <= {"", "gain", "no gain", "loss"}
    written = json.loads((tmp_path / "use_marketing.json").read_text())
    assert found.verdict == [one["text"] for one in written["answer"]]
    assert "A contact costs 2" in written["method"]


def test_a_run_is_trained_again_on_the_columns_that_are_compared() -> None:
    """The columns that `data.drop` and the like name are not among them."""
    data = TableFile(drop=["id"], kinds={"id": "id", "age": "integer"}, fake=["name"], fake_key="id", holdout=0.2)
    assert of_columns(data, ["age", "city"]) == TableFile(kinds={"age": "integer"}, holdout=0.2)


def test_augmented_rows_are_like_the_frame(fitted: Synthesizer, frame: pd.DataFrame, tmp_path: Path) -> None:
    found = fitted.augment(out=tmp_path / "more.csv")
    counts = found.whole["churned"].value_counts()
    assert counts["yes"] == counts["no"]
    assert found.whole["synthetic"].sum() == len(found.rows)
    assert found.rows.dtypes.to_dict() == frame.drop(columns="id").dtypes.to_dict()
    assert found.whole["opened"].str.fullmatch(r"\d\d\.\d\d\.\d{4}").all()
    assert found.helps == (found.verdict[0].startswith("Recommended"))
    assert len(pd.read_csv(tmp_path / "more.csv")) == len(found.whole)


@pytest.mark.parametrize(
    ("method", "given", "said"),
    [
        ("use", {"scenario": "marketng"}, "scenario=marketng.*Did you mean 'marketing'"),
        ("use", {"scenario": "marketing", "shortages": [0.1]}, "shortages=.*scenario=marketing takes positive, cost"),
        ("use", {"scenario": "marketing", "cost": "dear"}, "cost='dear': a number is needed"),
        ("use", {"scenario": "marketing", "cost": 0}, "cost=0: it must be more than 0"),
        ("use", {"scenario": "marketing", "target": "churn"}, "target=churn: no such column.*Did you mean 'churned'"),
        ("use", {"scenario": "product", "of": "city"}, "by is not set"),
        ("personas", {"k": 2.5}, "k=2.5: a whole number is needed"),
        ("personas", {"k": 1}, "k=1: it must be at least 2"),
        ("personas", {"trust": "yes"}, "trust='yes': allowed are True, False"),
        ("evaluate", {"metrics": "quick"}, "metrics=quick: allowed are fast, standard, full"),
        ("evaluate", {"draws": 0}, "draws=0: it must be at least 1"),
        ("evaluate", {"test": "nowhere.csv"}, "test=nowhere.csv: no such file"),
        ("evaluate", {"test": [1]}, "test: frame=builtins.list: allowed are"),
        ("evaluate", {"secrets": "incom"}, "secrets=incom: no such column.*Did you mean 'income'"),
        ("augment", {"how": "more"}, "how=more: allowed are balance, grow"),
        ("augment", {"n": 5}, "n=5: it goes with how=grow"),
        ("augment", {"out": "more.doc"}, "out=more.doc: allowed are .csv"),
        ("events", {"reference": "2024-01-01"}, "its table was not made of events"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_what_the_commands_refuse_is_refused(
    fitted: Synthesizer, method: str, given: dict[str, Any], said: str, snapshot: Any
) -> None:
    before = snapshot(fitted.run_dir_)
    with pytest.raises(UserError, match=said):
        getattr(fitted, method)(**given)
    assert snapshot(fitted.run_dir_) == before


def test_a_fit_without_a_frame_and_events_of_profiles_that_were_a_table(tmp_path: Path) -> None:
    shop = gans.simulate_shop(150)
    made = gans.profiles(shop["orders"], customers=shop["customers"], windows=[30], levels=1)
    kept = ["age", "recency_days", "frequency", "monetary", "interval_days", "orders_30d", "spend_30d", "tenure_days"]
    made[kept].to_csv(tmp_path / "table.csv", index=False)
    overrides = [*SMALL[:-1], "data=table", f"data.path={tmp_path / 'table.csv'}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gans.report.page.report_run", lambda *_: dict)
        model = Synthesizer(experiment="vanilla", overrides=overrides, progress=False).fit()
    assert model.evaluate(metrics="fast", out=tmp_path / "out").scores.loc["exact_copies", "value"] == 0
    found = model.events(20, "2025-01-01", out=tmp_path / "events")
    assert sorted(found) == ["customers", "orders"]
    assert len(found["customers"]) == 20
    assert (found["orders"]["time"] < "2025-01-01").all()
    assert {path.name for path in (tmp_path / "events").iterdir()} >= {"orders.parquet", "events.html"}
    with pytest.raises(UserError, match="reference is not set"):
        model.events(20)
    with pytest.raises(UserError, match="it is not empty; choose another"):
        model.events(20, "2025-01-01", out=tmp_path / "events")


def test_a_fit_needs_a_table() -> None:
    with pytest.raises(UserError, match="frame is not set: fit takes a frame, or overrides name a table"):
        Synthesizer(progress=False).fit()
    with pytest.raises(UserError, match="kinds, formats and metadata go with a frame"):
        Synthesizer(overrides=["data=charity"], kinds={"gift": "category"}).fit()


# The folder


def test_a_pretrained_model_lies_in_the_layout_of_a_hub(loaded: Synthesizer, fitted: Synthesizer) -> None:
    readme = (loaded.run_dir_ / "README.md").read_text()
    assert readme.startswith("---\n")
    assert "library_name: gans" in readme
    assert "gans.load(" in readme
    assert "checkpoints/** filter=lfs" in (loaded.run_dir_ / ".gitattributes").read_text()
    pd.testing.assert_frame_equal(loaded.sample(20), fitted.sample(20))
    assert loaded.get_params()["experiment"] == "vanilla"
    with pytest.raises(UserError, match="exists; choose another path"):
        fitted.save_pretrained(loaded.run_dir_)
    with pytest.raises(UserError, match="there is no folder"):
        fitted.save_pretrained(loaded.run_dir_ / "nowhere" / "model")


def test_a_pickle_holds_no_row_and_draws_the_same(loaded: Synthesizer, fitted: Synthesizer, tmp_path: Path) -> None:
    rows = fitted.sample(20)  # what was compiled cannot be pickled
    again = pickle.loads(pickle.dumps(fitted))
    assert fitted._given is not None
    assert again._given is None
    assert again.get_params() == fitted.get_params()
    assert again.summary_ == fitted.summary_
    pd.testing.assert_frame_equal(again.sample(20), rows)
    pd.testing.assert_frame_equal(copy.deepcopy(again).sample(20), rows)
    loaded.save(tmp_path / "model")
    elsewhere = gans.load(tmp_path / "model")
    pickled = pickle.dumps(elsewhere)
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(UserError, match=r"model: no such folder\. .* use save and load to take a model elsewhere\.$"):
        pickle.loads(pickled)


def test_one_that_is_not_fitted_is_pickled() -> None:
    again = pickle.loads(pickle.dumps(Synthesizer(experiment="cgan")))
    assert again.experiment == "cgan"
    with pytest.raises(NotFittedError):
        again.sample(1)


def test_the_newest_run_is_loaded(finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="path=last: there is no run below runs"):
        gans.load("last")
    shutil.copytree(finished.path, tmp_path / "runs" / "cgan" / "first")
    for name in ("last", "cgan/fi", finished.path):
        assert gans.load(name).sample(3, where={"segment": "gold"})["segment"].tolist() == ["gold"] * 3
