"""An objective, a metric and a logger in little packages of their own: entry points are enough, gans stays as it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MODULE = '''
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "exponential")
@dataclass(kw_only=True)
class Exponential(Objective):
    """E exp(-C(x)) + E exp(C(g)), and the same for G the other way round."""

    sharpness: float = 1.0

    def discriminator(self, real, fake):
        return jnp.mean(jnp.exp(-self.sharpness * real)) + jnp.mean(jnp.exp(self.sharpness * fake))

    def generator(self, real, fake):
        return jnp.mean(jnp.exp(-self.sharpness * fake))
'''


METRIC = """
from gans.evaluation.metrics import LOWER, Meaning, metric


@metric("yes", {"yes_error": Meaning("error of the share of the married", LOWER, shrinks=0.5)})
def yes(tables, rows):
    sides = [table["married"].to_pylist() for table in (tables.real, tables.synthetic)]
    left, right = (side.count("yes") / len(side) for side in sides)
    return {"yes_error": abs(left - right)}
"""


LOGGER = '''
import json
from dataclasses import dataclass
from pathlib import Path

from gans.registry import register
from gans.tracking.base import Logger


@register("logger", "notes")
@dataclass(kw_only=True)
class NotesLogger(Logger):
    """A line of JSON for each call."""

    path: str = "notes.jsonl"
    breaks: bool = False

    def start(self, start):
        return Notes(self, start)


class Notes:
    def __init__(self, settings, start):
        self.settings = settings
        self.say(["start", start.name, start.run_dir.name, dict(start.goals)])

    def say(self, what):
        with Path(self.settings.path).open("a") as file:
            file.write(json.dumps(what) + "\\n")

    def log(self, metrics, step):
        if self.settings.breaks:
            raise ConnectionError("the notes are full")
        self.say(["log", step, dict(metrics)])

    def finish(self, end):
        names = [path.name for path in end.generator]
        self.say(["finish", end.summary["status"], dict(end.best), names, len(end.samples), sorted(end.figures())])
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins: Any) -> Callable[[str, str], None]:
    """A function: installs a package of one module, as pip leaves it; what that registers is forgotten afterwards."""
    from gans.config import components
    from gans.config.compose import load_schemas

    def make(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)
        info = tmp_path / f"{name}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[gans.plugins]\nlab = {name}\n")
        monkeypatch.syspath_prepend(tmp_path)
        components.import_components.cache_clear()
        components.load_components.cache_clear()
        load_schemas.cache_clear()

    return make


@pytest.mark.usefixtures("no_report")
def test_an_objective_of_another_package_is_chosen_by_name(
    install: Callable[[str, str], None], command: Callable[..., Any], tmp_path: Path
) -> None:
    install("lab_losses", MODULE)
    arguments = ["objective=exponential", "+debug=limit", "network.generator_widths=[8]", "run_dir=run"]
    done = command("train", *arguments, "objective.sharpness=0.5")
    assert done.status == 0, done.err
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert "objective: exponential" in config
    assert "sharpness: 0.5" in config
    refused = command("train", *arguments[:-1], "objective.sharp=1")
    assert refused.status == 2
    assert "objective.sharp" in refused.err


def test_a_metric_of_another_package_is_everywhere(
    install: Callable[[str, str], None], tmp_path: Path, command: Callable[..., Any], tiny: tuple[str, ...]
) -> None:
    """In training, which chooses by it, in gans.evaluate, on the page, in a sentence, and in gans.compare."""
    install("lab_metrics", METRIC)
    title = "error of the share of the married"
    for name, rate in (("slow", "0.0001"), ("fast", "0.001")):
        arguments = ["+debug=limit", "data.limit=600", *tiny, f"optimizer.learning_rate={rate}", f"run_dir=runs/{name}"]
        done = command("train", *arguments, "trainer.metrics=[fidelity,yes]", "trainer.best=yes_error")
        assert done.status == 0, done.err
        run = tmp_path / "runs" / name
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        logged = [line["holdout/yes_error"] for line in lines if "holdout/yes_error" in line]
        summary = json.loads((run / "summary.json").read_text())
        assert summary["scores"]["best"][0]["value"] == min(logged)
        assert summary["scores"]["holdout"]["yes_error"] >= 0
        assert title in (run / "report.html").read_text()
        done = command("evaluate", f"run=runs/{name}", "metrics=fast")
        assert done.status == 0, done.err
        (row,) = [line for line in done.out.splitlines() if line.startswith(title)]
        score = json.loads((run / "evaluation.json").read_text())["scores"]["yes_error"]
        assert f"{score['value']:.4f}" in row
        assert score["real"] is not None  # what held-out rows have
        (sentence,) = [line for line in done.out.splitlines() if line.startswith("note") and title in line]
        assert sentence.endswith("lower is better.")
        assert (run / "report.html").read_text().count(title) > 2  # its curve, its figure, its sentence
    done = command("compare", "runs=runs", "by=optimizer.learning_rate", "metrics=[yes_error]", "out=comparison")
    assert done.status == 0, done.err
    assert title in done.out
    assert "lower is better" in (tmp_path / "comparison" / "comparison.md").read_text()


def test_a_logger_of_another_package_is_told_all_and_may_fail(
    install: Callable[[str, str], None], tmp_path: Path, command: Callable[..., Any], tiny: tuple[str, ...]
) -> None:
    install("lab_notes", LOGGER)
    arguments = ["+debug=limit", *tiny, "logger=[notes]"]
    done = command("train", *arguments, "run_dir=run")
    assert done.status == 0, done.err
    told = [json.loads(line) for line in (tmp_path / "notes.jsonl").read_text().splitlines()]
    assert told[0][:3] == ["start", "vanilla", "run"]
    assert (told[0][3]["holdout/score"], told[0][3]["holdout/column_distance"]) == ("max", "min")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [{"step": step, **metrics} for _, step, metrics in told[1:-1]] == lines
    _, status, best, names, samples, figures = told[-1]
    assert status == "completed"
    assert best["holdout/score"] == max(line.get("holdout/score", 0) for line in lines)
    assert {"config.yaml", "schema.json", "checkpoints"} <= set(names)
    assert (samples, figures) == (20, ["marginals"])
    done = command("train", *arguments, "logger.notes.breaks=true", "logger.notes.path=other", "run_dir=broken")
    assert done.status == 0, done.err
    said = [line for line in done.err.splitlines() if "tracking failed" in line]
    why = "training continues, and metrics.jsonl has everything (the notes are full)"
    assert said == [f"notes: tracking failed and is off from here on; {why}"]
    assert len((tmp_path / "other").read_text().splitlines()) == 1
