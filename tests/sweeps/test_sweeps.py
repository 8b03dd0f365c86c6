"""Sweeps: a table at the end whatever jobs do, search with pruning, many settings in one program."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from gans.config.compose import compose
from gans.errors import UserError
from gans.sweeps.halving import SettingsProgram, varied
from gans.sweeps.records import Job, finish, read_jobs, recorded
from gans.sweeps.space import read_space
from gans.sweeps.wandb_sweep import write_sweep

TINY = ("+debug=limit", "data.relations=[]", "network.latent=4", "network.generator_widths=[8]",
        "network.discriminator_widths=[8]", "trainer.evaluate_rows=50", "data.limit=300")  # fmt: skip


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open() as file:
        return list(csv.DictReader(file))


def test_what_a_job_raises_is_recorded_and_goes_no_further(tmp_path: Path) -> None:
    def refuse(job: Job) -> Any:
        raise UserError("a mistake")

    def crash(job: Job) -> Any:
        assert read_jobs(tmp_path)[-1].status == "running"
        raise RuntimeError("boom")

    assert recorded(Job(0, ["a=1"]), tmp_path, lambda job: ("completed", 0.5)).score == 0.5
    assert recorded(Job(1, ["a=2"]), tmp_path, refuse).error == "a mistake"
    assert recorded(Job(2, ["a=3"]), tmp_path, crash).status == "crashed"

    def stop(job: Job) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recorded(Job(3, ["a=4"]), tmp_path, stop)
    assert [job.status for job in read_jobs(tmp_path)] == ["completed", "refused", "crashed", "interrupted"]


def test_the_table_is_sorted_and_names_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, (status, score) in enumerate([("completed", 0.2), ("completed", 0.9), ("diverged", 0), ("running", 0)]):
        Job(number, ["seed=3", f"+a.b={number}"], status, score, 1.5, f"runs/{number}").write(tmp_path)
    finish(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["job", "a.b", "status", "score", "seconds", "run_dir", "error"]
    assert [line.split()[0] for line in lines[1:5]] == ["1", "0", "2", "3"]
    assert "4 jobs, 2 of them without a result" in lines[5]
    assert f"gans compare runs={tmp_path} by=a.b" in lines[6]
    assert [(row["status"], row["score"]) for row in rows(tmp_path)] == [
        ("completed", "0.2000"), ("completed", "0.9000"), ("diverged", ""), ("crashed", "")]  # fmt: skip
    finish(tmp_path, direction=-1)
    assert capsys.readouterr().out.splitlines()[1].split()[0] == "0"


RATES = "optimizer.learning_rate=1e-4,1e30,-1"


def check_sweep(folder: Path) -> None:
    """The first job completed, the second diverged, the third was refused."""
    found = {row["optimizer.learning_rate"]: row for row in rows(folder)}
    assert [found[rate]["status"] for rate in ("0.0001", "1e+30", "-1")] == ["completed", "diverged", "refused"]
    assert "must be more than 0" in found["-1"]["error"]
    assert float(found["0.0001"]["score"]) > 0
    assert (folder / "0" / "samples.parquet").is_file()
    assert [job.score for job in read_jobs(folder)][1:] == [0.0, 0.0]  # the worst, for a sweeper


@pytest.mark.slow
@pytest.mark.usefixtures("no_report")
def test_a_sweep_with_a_job_that_diverges_and_one_that_is_refused(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", "-m", *TINY, RATES, "trainer.steps=10")
    assert done.status == 3, done.err
    (folder,) = (tmp_path / "runs" / "sweeps").iterdir()
    check_sweep(folder)
    assert f"{folder.relative_to(tmp_path)}/sweep.csv" in done.out


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local", "ray"])
def test_launchers_of_hydra(launcher: str, tmp_path: Path) -> None:
    """In processes of their own, which the launcher begins."""
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.split('_')[0]}_launcher")
    command = [sys.executable, "-m", "gans.train", "-m", *TINY, RATES, "trainer.steps=10", f"hydra/launcher={launcher}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr[-3000:]
    (folder,) = (tmp_path / "runs" / "sweeps").iterdir()
    check_sweep(folder)


def test_a_job_that_crashes_does_not_end_a_sweep(
    command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gans.sweeps import jobs

    def execute(run: Any, *args: Any, **more: Any) -> Any:
        raise RuntimeError(f"boom {run.seed}")

    monkeypatch.setattr(jobs, "execute", execute)
    done = command("train", "-m", *TINY, "seed=1,2")
    assert done.status == 1
    (folder,) = (tmp_path / "runs" / "sweeps").iterdir()
    assert [row["status"] for row in rows(folder)] == ["crashed", "crashed"]
    assert "boom 2" in done.err


SPACE = ["optimizer.learning_rate=tag(log,interval(1e-5,1e-2))", "objective=choice(non_saturating,least_squares)",
         "network.latent=range(4,13,4)", "trainer.critic_steps=tag(int,interval(1,3))", "seed=5"]  # fmt: skip


class Fixed:
    """A trial that notes what it is asked for and suggests the lowest."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def suggest_categorical(self, key: str, choices: list[str]) -> str:
        self.asked[key] = choices
        return choices[0]

    def suggest_int(self, key: str, low: int, high: int, step: int, log: bool) -> int:
        self.asked[key] = (low, high, step, log)
        return low

    def suggest_float(self, key: str, low: float, high: float, step: float | None, log: bool) -> float:
        self.asked[key] = (low, high, step, log)
        return low


def test_a_space_is_read_in_the_grammar_of_hydra() -> None:
    space, fixed = read_space(SPACE)
    assert fixed == ["seed=5"]
    trial = Fixed()
    values = {one.key: one.suggest(trial) for one in space}
    assert values == {"optimizer.learning_rate": "1e-05", "objective": "non_saturating", "network.latent": "4",
                      "trainer.critic_steps": "1"}  # fmt: skip
    assert trial.asked == {"optimizer.learning_rate": (1e-5, 1e-2, None, True), "network.latent": (4, 12, 4, False),
                           "objective": ["non_saturating", "least_squares"],
                           "trainer.critic_steps": (1, 3, 1, False)}  # fmt: skip


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("optimizer.learning_rate=interval(2,1)", "reach from 2 to 1"),
        ("optimizer.learning_rate=tag(log,interval(0,1))", "and more than 0"),
        ("optimizer.learning_rate=tag(odd,interval(0,1))", "tags are odd"),
        ("+experiment=glob(*)", "allowed are choice"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(argument: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_space([argument])


@pytest.mark.slow
@pytest.mark.usefixtures("no_report")
def test_a_search_prunes_and_goes_on_where_it_stopped(command: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    arguments = [*TINY, "optimizer.learning_rate=tag(log,interval(1e-5,1e-2))", "folder=search", "trainer.steps=30",
                 "trainer.evaluate_every=10", "samples=50"]  # fmt: skip
    done = command("tune", *arguments, "trials=4")
    assert done.status == 0, done.err
    found = rows(tmp_path / "search")
    assert len(found) == 4
    assert {row["status"] for row in found} <= {"completed", "pruned"}
    assert {row["status"] for row in found[:3]} == {"completed"}  # the first are compared with none
    before = (tmp_path / "search" / "job-3.json").read_bytes()
    done = command("tune", *arguments, "trials=5")
    assert done.status == 0, done.err
    assert len(rows(tmp_path / "search")) == 5
    assert (tmp_path / "search" / "job-3.json").read_bytes() == before


def test_a_run_that_lags_behind_is_stopped_and_says_so(tmp_path: Path) -> None:
    from gans.runs.execute import execute

    steps: list[int] = []

    def watch(step: int, scores: list[dict[str, float]]) -> bool:
        steps.append(step)
        assert set(scores[0]) >= {"score"}
        return len(steps) == 2

    run = compose([*TINY, "trainer.steps=30", "trainer.evaluate_every=5", f"run_dir={tmp_path / 'run'}"])
    result = execute(run, show=False, watch=watch)
    assert (result.status, result.summary["steps"], result.summary["stopped"]) == ("completed", 10, "pruned")
    assert steps == [5, 10]


@pytest.mark.slow
def test_settings_are_halved_until_one_has_all_the_steps(command: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    done = command("tune", *TINY, "optimizer.learning_rate=tag(log,interval(1e-5,1e-2))", "method=halving", "trials=2",
                   "trainer.steps=20", "folder=halved")  # fmt: skip
    assert done.status == 0, done.err
    found = rows(tmp_path / "halved")
    assert sorted(row["error"] for row in found) == ["", "after 10 steps"]
    assert [row["status"] for row in found].count("completed") == 1


@pytest.mark.slow
def test_each_setting_in_one_program_trains_as_alone() -> None:
    from gans.runs.build import build
    from gans.runs.prepare import prepare
    from gans.training.loop import initial_state, make_block

    run = compose(["+experiment=wgan_gp", *TINY, "optimizer.schedule=constant"])
    ready = prepare(run)
    numbers = {"optimizer.learning_rate": np.array([1e-4, 1e-3], np.float32),
               "penalty.gradient_penalty.weight": np.array([1, 10], np.float32)}  # fmt: skip
    start = initial_state(build(run, ready.condition), 0, 1)
    both = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), start)
    together, finite = SettingsProgram(ready, numbers, both).train(both, numbers, 0, 2)
    assert finite.all()
    for member in range(2):
        own = varied(run, {key: float(value[member]) for key, value in numbers.items()})
        alone, _ = jax.jit(make_block(build(own, ready.condition)))(start, ready.rows, 2)
        for left, right in zip(jax.tree.leaves(together.generator), jax.tree.leaves(alone.generator), strict=True):
            np.testing.assert_allclose(left[member], right, atol=2e-6)
    assert run.optimizer.learning_rate != own.optimizer.learning_rate  # the run itself is as it was


def test_what_decides_the_shape_of_the_program_cannot_be_halved(command: Callable[..., Any]) -> None:
    pytest.importorskip("optuna")
    done = command("tune", *TINY, "network.latent=choice(4,8)", "method=halving", "trials=2")
    assert done.status == 2
    assert "network.latent: not all of these can differ within one compiled program" in done.err
    done = command("tune", *TINY, "objective=choice(hinge,minimax)", "method=halving", "trials=2")
    assert done.status == 2
    assert "'hinge' is not a number" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("seed=1",), "nothing to search"),
        (("seed=1,2", "trials=1"), "trials=1: it must be at least 2"),
        (("seed=1,2", "method=grid"), "method=grid: allowed are optuna, halving"),
        (("seed=1,2", "run_dir=x"), "each run has its own"),
        (("seed=1,2", "pruner=x"), "pruner=x: allowed are median, halving, none"),
        (("seed=1,2", "trainer.best=last"), "trainer.best=last: it has no score"),
        (("seed=1,2", "wandb=sweep.txt"), "a .yaml file is needed"),
        (("tariner.steps=1,2",), "unknown key tariner"),
    ],
)
def test_mistakes_of_tune(arguments: tuple[str, ...], message: str, command: Callable[..., Any]) -> None:
    pytest.importorskip("optuna")
    done = command("tune", *arguments)
    assert done.status == 2
    assert message in done.err
    assert "Traceback" not in done.err


def test_the_file_of_a_wandb_sweep_names_a_command_that_runs(
    command: Callable[..., Any], tmp_path: Path, no_report: None
) -> None:
    import yaml

    space, fixed = read_space([*TINY, *SPACE, "trainer.steps=5"])
    said = write_sweep(tmp_path / "sweep.yaml", space, fixed, 7)
    assert re.search(r"wandb sweep --project gans .*sweep.yaml\nwandb agent ENTITY/gans/SWEEP_ID", said)
    config = yaml.safe_load((tmp_path / "sweep.yaml").read_text())
    assert config["metric"] == {"name": "holdout/score", "goal": "maximize"}
    parameters = config["parameters"]
    assert parameters["optimizer.learning_rate"] == {"distribution": "log_uniform_values", "min": 1e-5, "max": 1e-2}
    assert parameters["objective"] == {"values": ["non_saturating", "least_squares"]}
    assert parameters["network.latent"]["distribution"] == "int_uniform"
    drawn = ["optimizer.learning_rate=0.001", "objective=least_squares", "network.latent=4", "trainer.critic_steps=1"]
    before, last = config["command"][:-1], config["command"][-1]
    assert last == "${args_no_hyphens}"
    assert before[:4] == ["${env}", "python", "-m", "gans.train"]
    done = command("train", *before[4:], *drawn, "tracker.mode=disabled", "run_dir=run")
    assert done.status == 0, done.err
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "completed"
