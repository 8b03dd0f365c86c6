"""A run replayed: from its directory alone, as it grows, and rows under what the page asks."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from gans.config.compose import compose
from gans.data.embedded import Households
from gans.errors import UserError
from gans.lab.refusals import RefusedError
from gans.lab.replay import SAMPLED, Replay
from gans.runs.execute import execute

OVERRIDES = [
    "+experiment=ctgan",
    "data=households",
    "data.limit=1500",
    "trainer.steps=6",
    "trainer.block=2",
    "trainer.batch_size=50",
    "trainer.evaluate_rows=200",
    "tracker.mode=disabled",
]


class Heard:
    """A server that keeps what is sent."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.told: list[tuple[int, str, dict[str, Any]]] = []

    def publish(self, name: str, message: dict[str, Any]) -> None:
        self.published.append((name, message))

    def tell(self, browser: int, name: str, message: dict[str, Any]) -> None:
        self.told.append((browser, name, message))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay") / "run"
    execute(compose([*OVERRIDES, "trainer.snapshots=3", f"run_dir={folder}"]), show=False)
    return folder


@pytest.fixture
def replay(run: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    def gone(_: Any) -> None:
        raise AssertionError("the table is not there")

    monkeypatch.setattr(Households, "read", gone)
    return Replay(Heard(), str(run))  # pyright: ignore[reportArgumentType]


def heard(replay: Replay) -> Any:
    return replay._server  # pyright: ignore[reportPrivateUsage]


def test_snapshots_are_told_to_who_asks(replay: Replay) -> None:
    assert replay.steps[-1] == 6
    for step in replay.steps:
        replay.answer(7, {"do": "snapshot", "step": step})
    assert [(browser, name) for browser, name, _ in heard(replay).told] == [
        (7, f"snapshot{step}") for step in replay.steps
    ]
    last = heard(replay).told[-1][2]
    assert last["step"] == 6
    assert len(last["counts"]) == len(replay._saved.schema.features)  # pyright: ignore[reportPrivateUsage]


def test_a_run_that_grows_is_published_anew(run: Path, tmp_path: Path) -> None:
    growing = tmp_path / "growing"
    shutil.copytree(run, growing)
    last = sorted((growing / "snapshots").glob("0*"))[-1]
    kept = last.read_bytes()
    last.unlink()
    replay = Replay(Heard(), str(growing))  # pyright: ignore[reportArgumentType]
    replay.look()
    assert heard(replay).published == []
    last.write_bytes(kept)
    replay.look()
    name, message = heard(replay).published[-1]
    assert (name, message["steps"][-1], message["total"]) == ("run", 6, 6)
    assert message["real"]["rows"] == 150


def test_rows_are_those_that_are_asked_for(replay: Replay) -> None:
    columns = [column.name for column in replay._saved.snapshots.real.columns]  # pyright: ignore[reportPrivateUsage]
    found = replay.sampled({"married": ["yes"], "age": {"low": 30, "high": 50}, "income": {"low": 20.5}})
    real = replay._saved.snapshots.real.columns  # pyright: ignore[reportPrivateUsage]
    place, age = columns.index("married"), columns.index("age")
    assert found["counts"][place][real[place].levels.index("yes")] == SAMPLED
    inside = [30 - 1 <= edge <= 50 for edge in real[age].edges]
    assert all(count == 0 or inside[max(cell - 1, 0)] for cell, count in enumerate(found["counts"][age]))
    assert sum(found["counts"][age]) == SAMPLED
    assert all(30 <= int(row[age]) < 50 and row[place] == "yes" for row in found["shown"])
    assert sum(replay.sampled({})["counts"][place]) == SAMPLED


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"do": "open", "path": "/etc/passwd"}, "do=open: allowed are snapshot, sample"),
        ({"do": "snapshot"}, "step=null: there is no snapshot of it"),
        ({"do": "snapshot", "step": "../config"}, "step=../config: there is no"),
        ({"do": "sample"}, "where=null: an object"),
        ({"do": "sample", "where": {"salary": ["a"]}}, "unknown column salary; allowed are income"),
        ({"do": "sample", "where": {"married": ["maybe"]}}, "married=['maybe']: allowed are"),
        ({"do": "sample", "where": {"married": []}}, "married=[]: allowed are"),
        ({"do": "sample", "where": {"age": ["30"]}}, "age=['30']: a list of levels or low and high are needed"),
        ({"do": "sample", "where": {"married": {"low": 1}}}, "married={'low': 1}: a list of levels"),
        ({"do": "sample", "where": {"age": {"low": "x' or 1"}}}, "age: x' or 1 is not a number"),
        ({"do": "sample", "where": {"age": {"low": True}}}, "age: true is not a number"),
        ({"do": "sample", "where": {"age": {"low": float("nan")}}}, "age: nan is not a number"),
        ({"do": "sample", "where": {"age": {}}}, "age: low or high is needed"),
        ({"do": "sample", "where": {"age": {"low": 500}}}, "age: no row can be drawn"),
        ({"do": "sample", "where": {"married": {"low": 1}}}, "married={'low': 1}: a list"),
    ],
)
def test_what_cannot_be_is_refused(replay: Replay, said: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as refused:
        replay.answer(1, said)
    assert message in str(refused.value)
    assert heard(replay).told == []


def test_a_damaged_snapshot_is_told_and_named(run: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(run, damaged)
    replay = Replay(Heard(), str(damaged))  # pyright: ignore[reportArgumentType]
    step = replay.steps[1]
    next((damaged / "snapshots").glob(f"*{step}.json.gz")).write_bytes(b"x")
    replay.answer(7, {"do": "snapshot", "step": step})
    values = {"name": replay._saved.snapshots.path(step).name}  # pyright: ignore[reportPrivateUsage]
    assert heard(replay).told == [(7, f"damaged{step}", {"step": step, "key": "damaged", "values": values})]


def test_a_folder_that_is_gone_is_said_and_it_goes_on_once_it_is_back(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    replay = Replay(Heard(), str(folder))  # pyright: ignore[reportArgumentType]
    steps = replay.steps
    for part in (folder, folder / "snapshots"):
        part.rename(tmp_path / "elsewhere")
        replay.look()
        replay.look()
        assert [message["gone"] for _, message in heard(replay).published] == [True]
        assert heard(replay).published[0][1]["steps"] == steps  # what is there stays
        with pytest.raises(RefusedError) as refused:
            replay.answer(7, {"do": "snapshot", "step": steps[0]})
        assert (refused.value.key, refused.value.values) == ("gone", {"name": "run"})
        (tmp_path / "elsewhere").rename(part)
        replay.look()
        replay.look()
        assert [message["gone"] for _, message in heard(replay).published] == [True, False]
        replay.answer(7, {"do": "snapshot", "step": steps[0]})
        heard(replay).published.clear()


def test_without_a_checkpoint_nothing_is_sampled(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    replay = Replay(Heard(), str(tmp_path / "run"))  # pyright: ignore[reportArgumentType]
    with pytest.raises(RefusedError) as refused:
        replay.answer(1, {"do": "sample", "where": {}})
    assert refused.value.key == "no_generator"


def test_a_run_that_will_have_no_snapshots_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run=.*nowhere"):
        Replay(Heard(), str(tmp_path / "nowhere"))  # pyright: ignore[reportArgumentType]
    without = tmp_path / "without"
    shutil.copytree(run, without)
    shutil.rmtree(without / "snapshots")
    waiting = Replay(Heard(), str(without))  # pyright: ignore[reportArgumentType]
    assert waiting.steps == []  # they may come
    config = without / "config.yaml"
    config.write_text(config.read_text().replace("snapshots: 3", "snapshots: 0"))
    with pytest.raises(
        UserError, match=r"run=.*without: it has no snapshots; train or resume it with trainer.snapshots=20"
    ):
        Replay(Heard(), str(without))  # pyright: ignore[reportArgumentType]
    shutil.copytree(run / "snapshots", without / "snapshots")
    (without / "snapshots" / "real.json.gz").write_bytes(b"x")
    with pytest.raises(UserError, match=r"real.json.gz"):
        Replay(Heard(), str(without))  # pyright: ignore[reportArgumentType]
