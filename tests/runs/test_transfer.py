"""Runs that begin with another run: what is taken over, replayed, compared, and refused."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.data.embedded import Households
from gans.errors import UserError
from gans.runs.execute import Result, execute
from gans.runs.prepare import prepare
from gans.runs.saved import SavedRun
from gans.runs.transfer import take_over

TABLE = Households().read()
SMALL = ("network.generator_widths=[16]", "network.discriminator_widths=[16]", "trainer.batch_size=32")
RHYTHM = ("trainer.steps=4", "trainer.block=2", "trainer.evaluate_every=2", "trainer.checkpoint_every=2")
OWN = ("+experiment=vanilla", "tracker.mode=disabled", "data.relations=[]", "samples=50", *SMALL, *RHYTHM)


def train(path: Path, table: pa.Table, *overrides: str) -> Result:
    run = compose([*OWN, *overrides])
    run.run_dir = str(path)
    return execute(run, table, show=False)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("transfer") / "source"
    train(path, TABLE.slice(0, 1_500))
    return path


def test_a_run_begins_where_the_other_one_ended(source: Path) -> None:
    run = compose([*OWN, f"transfer.run={source}"])
    ready = prepare(run, TABLE.slice(3_000, 500))
    begun, last = take_over(SavedRun.open(source), run, ready).values, SavedRun.open(source).state
    kernel, old = (tree["generator"]["Dense_0"]["kernel"] for tree in (begun, last))
    assert np.array_equal(kernel, old)
    assert np.array_equal(
        begun["average"]["params"]["Dense_0"]["kernel"], last["average"]["params"]["Dense_0"]["kernel"]
    )


def test_what_became_of_each_column_is_written(source: Path, tmp_path: Path) -> None:
    table = TABLE.slice(3_000, 500).rename_columns(["salary", *TABLE.column_names[1:]])
    first = TABLE.column_names[0]
    train(tmp_path / "run", table, f"transfer.run={source}", f"transfer.columns={{salary: {first}}}")
    stored = json.loads((tmp_path / "run" / "transfer.json").read_text())
    assert stored["run"] == str(source)
    assert stored["columns"][0].startswith(f"salary: taken over from '{first}'")
    again = compose([*OWN, f"transfer.run={source}", "trainer.steps=6", "trainer.resume=true"])
    again.run_dir = str(tmp_path / "run")
    again.transfer.columns = {"salary": first}
    assert execute(again, table, show=False).summary["steps"] == 6  # it goes on with its own checkpoint


def test_replayed_rows_are_seen_by_the_networks_and_by_nothing_else(source: Path) -> None:
    run = compose([*OWN, f"transfer.run={source}", "transfer.replay=0.5"])
    table = TABLE.slice(3_000, 500)
    ready = prepare(run, table, SavedRun.open(source))
    assert ready.split.training.num_rows == len(ready.encoded.codes) == 450
    assert len(ready.rows.codes) == 900
    assert np.array_equal(np.asarray(ready.rows.codes)[:450], ready.encoded.codes)


def test_both_scores_are_said_and_a_loss_is_a_warning(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.4, 0.6])
    monkeypatch.setattr(Result, "score", property(lambda result: next(scores)))
    caplog.set_level("INFO")
    train(tmp_path / "run", TABLE.slice(3_000, 500), f"transfer.run={source}", "transfer.compare=true")
    assert SavedRun.open(tmp_path / "run" / "scratch").summary["status"] == "completed"
    stored = json.loads((tmp_path / "run" / "transfer.json").read_text())
    assert (stored["score"], stored["score_from_scratch"]) == (0.4, 0.6)
    said = [line for line in caplog.records if "from scratch" in line.message]
    assert [line.levelname for line in said] == ["WARNING"]
    assert said[0].getMessage().endswith("0.6000 from scratch: transfer made it worse")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["transfer.run=/nowhere"], "transfer.run=/nowhere: no such folder"),
        (["transfer.replay=0.3"], "transfer.replay is set and transfer.run is not"),
        (["transfer.rate=0.5"], "transfer.rate is set and transfer.run is not"),
        (["transfer.run=SOURCE", "transfer.replay=1"], r"transfer.replay=1.*: .* below 1|transfer.replay=1"),
        (["transfer.run=SOURCE", "transfer.rate=-1"], "transfer.rate=-1"),
        (["transfer.run=SOURCE", "transfer.anchor=-1"], "transfer.anchor=-1"),
        (["transfer.run=SOURCE", "transfer.columns={pay: age}"], "column 'pay' is not learned of this table"),
        (["transfer.run=SOURCE", "transfer.columns={age: pay}"], "column 'pay' is not learned of transfer.run="),
        (["transfer.run=SOURCE", "transfer.freeze=[generator.Dense_7]"], "there is no 'generator.Dense_7'; layers are"),
        (["transfer.run=SOURCE", "network.generator_widths=[32]"], "its networks are not of this size or kind"),
        (["transfer.run=SOURCE", "transfer.mode=update"], "transfer.mode"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(source: Path, tmp_path: Path, overrides: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        train(tmp_path / "run", TABLE.slice(3_000, 500), *(one.replace("SOURCE", str(source)) for one in overrides))
    assert not (tmp_path / "run").exists()


def test_rows_of_another_table_cannot_be_replayed(source: Path, tmp_path: Path) -> None:
    table = TABLE.slice(3_000, 500).append_column("new", [["a", "b"] * 250])
    with pytest.raises(UserError, match=r"transfer.replay=0.3: column 'new' is not in the rows of transfer.run="):
        train(tmp_path / "run", table, f"transfer.run={source}", "transfer.replay=0.3")
