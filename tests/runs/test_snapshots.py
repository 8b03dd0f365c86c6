"""Snapshots of a run: what is in them, that they change nothing, and that they are read strictly."""

import base64
import gzip
import io
import json
import os
import shutil
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.config.stored import resumed
from gans.errors import UserError
from gans.evaluation.associations import associations
from gans.federated.run import settled
from gans.federated.settings import Federation
from gans.runs import execute as execution
from gans.runs.execute import Result, execute
from gans.runs.saved import SavedRun
from gans.runs.snapshots import MOST_BYTES, MOST_TEXT, Snapshots
from gans.training import loop
from gans.training.schedule import Schedule

TINY = (
    *("network.latent=8", "network.generator_widths=[16,16]", "network.discriminator_widths=[16,8]"),
    *("trainer.batch_size=50", "trainer.block=5", "trainer.evaluate_every=10", "trainer.evaluate_rows=200"),
    *("trainer.checkpoint_every=10", "trainer.steps=20", "tracker.mode=disabled", "refine=none"),
)
ROWS = 4096


def customers(rows: int = 1_500) -> pa.Table:
    rng = np.random.default_rng(0)
    plan = rng.choice(["basic", "gold", "free"], rows, p=[0.6, 0.3, 0.1])
    plan[:3] = "pilot"
    return pa.table(
        {
            "plan": plan,
            "income": (rng.gamma(2, 500, rows) + 900 * (plan == "gold")).round(2),
            "age": rng.integers(18, 90, rows),
            "since": pa.array(rng.integers(10_000, 19_000, rows).astype(np.int32), pa.date32()),
            "visits": pa.array(rng.poisson(3, rows), mask=rng.random(rows) < 0.2),
            "member": rng.random(rows) < 0.3,
        }
    )


def train(folder: Path, *overrides: str) -> Result:
    return execute(compose([*TINY, *overrides, f"run_dir={folder}"]), customers(), show=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20 steps with three snapshots, of which nothing but its directory is left."""
    folder = tmp_path_factory.mktemp("snapshots") / "run"
    assert train(folder, "trainer.snapshots=3", "condition=labels", "condition.columns=[plan]").status == "completed"
    return folder


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Snapshots:
    """The snapshots, to be damaged."""
    shutil.copytree(run / "snapshots", tmp_path / "snapshots")
    return Snapshots(tmp_path / "snapshots")


def unpacked(path: Path) -> Any:
    return json.loads(gzip.decompress(path.read_bytes()))


def test_snapshots_are_even_and_the_loop_looks_up_at_each() -> None:
    assert Schedule(steps=2_000, snapshots=5).snapshot_steps == [0, 500, 1_000, 1_500, 2_000]
    assert Schedule(steps=7, snapshots=1).snapshot_steps == [7]
    assert Schedule(steps=3, snapshots=9).snapshot_steps == [0, 1, 2, 3]
    assert Schedule(steps=3).snapshot_steps == []
    schedule, step, looks = Schedule(steps=250, block=100, evaluate_every=120, snapshots=4), 0, []
    while step < 250:
        step = schedule.next_look(step, 10**6)
        looks.append(step)
    assert looks == [83, 120, 166, 240, 250]


def test_the_directory_alone_replays_the_run(run: Path) -> None:
    snapshots = SavedRun.open(run).snapshots
    names = {path.name for path in snapshots.folder.iterdir()}
    assert names == {"real.json.gz", "00000000.json.gz", "00000010.json.gz", "00000020.json.gz"}
    assert snapshots.steps() == [0, 10, 20]
    found = list(snapshots.whole())
    assert [one.step for one in found] == [0, 10, 20]
    assert found[0].metrics == {}
    assert {"loss/generator", "holdout/score"} <= set(found[2].metrics)
    assert found[0].seconds <= found[1].seconds <= found[2].seconds
    assert all(one.detector is not None and 0.4 < one.detector <= 1 for one in found)
    assert all(place in range(6) and loss > 0 for one in found for place, loss in one.telling)
    assert all(len(one.walk) == 24 and len(set(map(tuple, one.walk))) > 2 for one in found)
    assert {row[0] for row in found[2].walk} == {found[2].walk[0][0]}  # its condition
    assert found[1].walk != found[2].walk
    assert sum(path.stat().st_size for path in snapshots.folder.iterdir()) < 20_000


def test_counts_are_those_of_the_rows_that_the_sampler_draws_at_that_step(run: Path, tmp_path: Path) -> None:
    """The last snapshot is of the averaged generator of the last checkpoint."""
    saved = SavedRun.open(run)
    sampler = saved.blank_sampler
    sampler.parameters = saved.state["average"]
    table, real, last = sampler.sample(ROWS, saved.run.seed), saved.snapshots.real, saved.snapshots.read(20)
    assert [column.name for column in real.columns] == table.column_names
    assert last.rows == ROWS
    ages, plans = table["age"].to_numpy(), table["plan"].to_pylist()
    column, counts = real.columns[2], last.counts[2]
    cuts = [-np.inf, *column.edges, np.inf]
    assert counts[:-1] == [int(((ages >= low) & (ages < high)).sum()) for low, high in pairwise(cuts)]
    column, counts = real.columns[0], last.counts[0]
    assert counts[: len(column.levels)] == [plans.count(level) for level in column.levels]
    assert sum(counts) == ROWS
    assert last.counts[4][-1] == table["visits"].null_count
    pair, cells = real.pairs[0], last.pairs[0]
    assert sum(map(sum, cells)) == ROWS
    sums = np.bincount(pair.x_groups, last.counts[pair.x]).astype(int)
    assert np.sum(cells, axis=1).tolist() == sums.tolist()
    holdout = compose(TINY).data.split(customers()).holdout
    expected = associations(table, holdout, saved.schema.features)
    np.testing.assert_allclose(last.associations, expected, atol=5e-4)


def test_what_is_told_of_held_out_rows_is_never_of_a_few(run: Path) -> None:
    saved = SavedRun.open(run)
    real, holdout = saved.snapshots.real, compose(TINY).data.split(customers()).holdout
    assert real.rows == holdout.num_rows == 150
    for column in real.columns:
        assert sum(column.counts) == 150
        assert all(count == 0 or count >= 5 for count in column.counts)
    assert real.columns[0].levels == ["basic", "gold", "free"]
    assert all(count % 5 == 0 for pair in real.pairs for row in pair.counts for count in row)
    assert (real.pairs[0].x, real.pairs[0].y) == (0, 1)
    text = gzip.decompress((run / "snapshots" / "real.json.gz").read_bytes()).decode()
    incomes = holdout["income"].to_pylist()
    assert not [value for value in incomes if str(value) in text and value % 1]


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_run_is_the_same_to_the_bit_with_snapshots(
    seeds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes, compiled = [], []
    whole, programs = loop.train, loop.compile_within_memory
    monkeypatch.setattr(execution, "train", lambda *args: outcomes.append(whole(*args)) or outcomes[-1])
    monkeypatch.setattr(loop, "compile_within_memory", lambda *args: compiled.append(1) or programs(*args))
    for count in (0, 4):
        train(tmp_path / str(count), f"trainer.snapshots={count}", f"trainer.seeds={seeds}")
    assert len(compiled) == 2
    assert not (tmp_path / "0" / "snapshots").exists()
    assert Snapshots(tmp_path / "4" / "snapshots").steps() == [0, 6, 13, 20]
    for left, right in zip(*(jax.tree.leaves((one.state, one.best.generator)) for one in outcomes), strict=True):
        np.testing.assert_array_equal(left, right)
    tables = [SavedRun.open(tmp_path / str(count)).samples for count in (0, 4)]
    assert tables[0].equals(tables[1])  # pyright: ignore[reportOptionalMemberAccess]


def test_a_resumed_run_drops_later_snapshots_and_ends_with_the_same(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    condition = ("condition=labels", "condition.columns=[plan]", "trainer.snapshots=3")
    real = execution.SnapshotWriter.write

    def write(self: Any, average: Any, metrics: Any, step: int, seconds: float) -> None:
        real(self, average, metrics, step, seconds)
        if step == 10:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(execution.SnapshotWriter, "write", write)
        assert train(tmp_path / "run", *condition).status == "interrupted"
    snapshots = Snapshots(tmp_path / "run" / "snapshots")
    assert snapshots.steps() == [0, 10]
    (snapshots.path(15)).write_bytes(b"of a run that was killed later")
    assert train(tmp_path / "run", *condition, "trainer.resume=true").status == "completed"
    assert snapshots.steps() == [0, 10, 20]
    for step in (0, 10, 20):
        ours, whole = snapshots.read(step), Snapshots(run / "snapshots").read(step)
        ours.seconds = whole.seconds
        assert ours == whole


def test_a_run_that_ends_early_leaves_a_last_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.5, 0.4])
    monkeypatch.setattr("gans.runs.prepare.TrainingJudge.attempt", lambda *_: ({"score": next(scores)}, {}))
    monkeypatch.setattr(execution, "finish", lambda ending, *_: vars(ending.outcome))
    result = train(tmp_path / "run", "trainer.snapshots=2", "trainer.steps=4000", "trainer.patience=1")
    assert result.summary["stopped"]
    assert Snapshots(tmp_path / "run" / "snapshots").steps() == [0, result.summary["step"]] == [0, 20]


def test_a_snapshot_that_cannot_be_made_is_left_out_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gans.evaluation.detection.Detector.telling", lambda *_: 1 / 0)
    with caplog.at_level("WARNING", "gans"):
        assert train(tmp_path / "run", "trainer.snapshots=2").status == "completed"
    assert "trainer.snapshots: left out at step 20, ZeroDivisionError" in caplog.text
    assert Snapshots(tmp_path / "run" / "snapshots").steps() == []


def test_a_damaged_snapshot_is_passed_over_with_a_warning(copy: Snapshots, caplog: pytest.LogCaptureFixture) -> None:
    whole = copy.path(10).read_bytes()
    for content in (b"", whole[:-5], whole + b"x", b"\x00" * 99, gzip.compress(b"[1]"), gzip.compress(b"{}")):
        copy.path(10).write_bytes(content)
        caplog.clear()
        with caplog.at_level("WARNING", "gans"):
            assert [one.step for one in copy.whole()] == [0, 20]
        assert "00000010.json.gz: not a readable snapshot" in caplog.text


CHANGES: list[Callable[[Any], Any]] = [
    lambda row: row.update(version=2),
    lambda row: row.update(step=11),
    lambda row: row.update(rows=-1),
    lambda row: row.update(seconds=float("inf")),
    lambda row: row.update(extra=1),
    lambda row: row["metrics"].update({"loss": "1"}),
    lambda row: row["counts"].pop(),
    lambda row: row["counts"][0].append(1),
    lambda row: row["counts"][0].__setitem__(0, -1),
    lambda row: row["counts"][0].__setitem__(0, 1.5),
    lambda row: row["beyond"][1].clear(),
    lambda row: row["associations"][0].__setitem__(0, float("nan")),
    lambda row: row["associations"].pop(),
    lambda row: row["pairs"].pop(),
    lambda row: row["pairs"][0][0].pop(),
    lambda row: row.update(telling=[[6, 0.1]]),
    lambda row: row.update(telling=[[0.5, 0.1]]),
    lambda row: row.update(telling=[[1]]),
    lambda row: row["walk"][0].pop(),
    lambda row: row["walk"][0].__setitem__(0, 3),
    lambda row: row.update(images="data:text/html,<script>"),
    lambda row: row.pop("walk"),
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_a_snapshot_that_does_not_fit_is_refused_by_name(number: int, copy: Snapshots) -> None:
    row = unpacked(copy.path(10))
    CHANGES[number](row)
    copy.path(10).write_bytes(gzip.compress(json.dumps(row).encode()))
    with pytest.raises(UserError, match=r"00000010\.json\.gz: not a readable snapshot"):
        copy.read(10)


REAL_CHANGES: list[Callable[[Any], Any]] = [
    lambda row: row.update(version=0),
    lambda row: row["columns"][0].update(kind=3),
    lambda row: row["columns"][1].update(axis=[0.0]),
    lambda row: row["columns"][1]["edges"].reverse(),
    lambda row: row["columns"][1]["edges"].__setitem__(0, float("nan")),
    lambda row: row["columns"][1]["counts"].pop(),
    lambda row: row["columns"].clear(),
    lambda row: row["associations"].pop(),
    lambda row: row["pairs"][0].update(x=9),
    lambda row: row["pairs"][0]["x_groups"].__setitem__(0, 10**9),
    lambda row: row["pairs"][0]["x_groups"].__setitem__(0, -1),
    lambda row: row["pairs"][0]["counts"].pop(),
    lambda row: row.pop("pairs"),
]


@pytest.mark.parametrize("number", range(len(REAL_CHANGES)))
def test_what_snapshots_are_beside_is_read_as_strictly(number: int, copy: Snapshots) -> None:
    path = copy.folder / "real.json.gz"
    row = unpacked(path)
    REAL_CHANGES[number](row)
    path.write_bytes(gzip.compress(json.dumps(row).encode()))
    with pytest.raises(UserError, match=r"real\.json\.gz: not what snapshots are beside"):
        _ = copy.real


def test_what_is_too_large_packed_or_unpacked_is_not_read(copy: Snapshots) -> None:
    copy.path(10).write_bytes(bytes(MOST_BYTES + 1))
    with pytest.raises(UserError, match="allowed are 1,048,576"):
        copy.read(10)
    copy.path(10).write_bytes(gzip.compress(bytes(MOST_TEXT + 1)))
    with pytest.raises(UserError, match="unpacks to more than 8,388,608 bytes"):
        copy.read(10)


def test_a_run_without_snapshots_has_none_and_one_without_steps_says_so(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "snapshots")
    assert snapshots.steps() == []
    with pytest.raises(UserError, match=r"real\.json\.gz: not what snapshots are beside \(no such file\)"):
        list(snapshots.whole())


def test_what_cannot_have_snapshots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trainer\.snapshots=-1: it must be at least 0"):
        compose(["trainer.snapshots=-1"])
    with pytest.raises(UserError, match=r"trainer\.snapshots=3: privacy=marginals does not support it: they count"):
        compose(["+experiment=dp_marginals", "trainer.snapshots=3"])
    with pytest.raises(UserError, match=r"trainer\.snapshots=3: sites that train together take 0"):
        settled(compose(["trainer.snapshots=3"]), Federation())
    few = compose([*TINY, "trainer.snapshots=3", f"run_dir={tmp_path / 'run'}"])
    with pytest.raises(UserError, match=r"trainer\.snapshots=3: they show counts of held-out rows, .* there are 15"):
        execute(few, customers(150), show=False)
    assert not (tmp_path / "run").exists()


def test_snapshots_may_change_where_a_run_goes_on(run: Path) -> None:
    stored = SavedRun.open(run).run
    override = "trainer.snapshots=7"
    assert resumed(stored, compose([override]), [override]).trainer.snapshots == 7


@pytest.mark.slow
def test_images_are_a_grid_of_the_same_latents(tmp_path: Path) -> None:
    from PIL import Image

    arguments = ("+experiment=cgan", "+debug=limit", "data=digits", "network=dcgan", "network.channels=4",
                 "samples=100", "data.limit=800", "trainer.steps=4", "trainer.block=2", "trainer.evaluate_every=4",
                 "trainer.snapshots=3", f"run_dir={tmp_path / 'run'}")  # fmt: skip
    run = compose(list(arguments))
    assert execute(run, show=False).status == "completed"
    found = list(SavedRun.open(tmp_path / "run").snapshots.whole())
    assert [one.step for one in found] == [0, 2, 4]
    pictures = [Image.open(io.BytesIO(base64.b64decode((one.images or "").partition(",")[2]))) for one in found]
    assert all((picture.size, picture.mode, picture.format) == ((64, 64), "L", "PNG") for picture in pictures)
    first, last = (np.asarray(picture, int) for picture in pictures[::2])
    assert (first != last).any()
    tiles = last.reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(64, -1)
    assert len(np.unique(tiles, axis=0)) > 32
    assert found[0].walk == []
    assert sum(found[0].counts[0]) == ROWS
