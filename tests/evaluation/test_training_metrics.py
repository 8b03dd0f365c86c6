"""Metrics as training uses them, those of plugins, and metrics that fail."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.errors import UserError
from gans.evaluation.metrics import (
    LOWER,
    METRICS,
    Meaning,
    TrainingJudge,
    all_metrics,
    metric,
    metric_of,
    training_metrics,
)
from gans.evaluation.suite import evaluate
from gans.findings.evaluation import findings
from gans.findings.privacy import privacy_fails
from gans.report.evaluation import write_evaluation

from .customers import people, tables

pytestmark = pytest.mark.usefixtures("few_trees")


@pytest.mark.usefixtures("forgotten")
def test_a_metric_that_fails_is_left_out_of_an_evaluation_and_the_rest_is_there(tmp_path: Path) -> None:
    for name in ("copies", "published"):

        def fails(judged: Any, rows: int | None) -> dict[str, float]:
            raise KeyError("a level")

        METRICS[name] = dataclasses.replace(all_metrics()[name], compute=fails)
    found = evaluate(tables(people(0, 200), people(1, 200)), "fast")
    assert {"score", "detection"} <= set(found.scores)
    assert not {"exact_copies", "shape_error"} & set(found.scores)
    for name in ("copies", "published"):
        (note,) = [note for note in found.notes if note.startswith(f"{name}: left out")]
        assert re.fullmatch(rf"{name}: left out, KeyError at metrics.py:\d+: 'a level'", note)
    assert not privacy_fails(found)
    assert any("copies" in sentence.text and sentence.tone == "note" for sentence in findings(found))
    write_evaluation(tmp_path, found, [])
    assert "left out" in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("forgotten")
def test_what_a_judge_cannot_compute_is_said_with_its_reason() -> None:
    METRICS["mmd"] = dataclasses.replace(all_metrics()["mmd"], compute=lambda judged, rows: {"mmd": np.nan})
    judge = TrainingJudge(["fidelity", "detection", "mmd"], people(0), tables(people(0), people(1)).schema)
    scores, left_out = judge.attempt(people(1, 50))
    assert set(scores) == {"score", "column_distance", "pair_distance"}
    assert left_out == {
        "detection": "it needs at least 100 rows of each side, there are 400 real and 50 synthetic",
        "mmd": "metric mmd: it gave {'mmd': nan}; finite mmd are needed",
    }
    assert set(judge.attempt(people(1))[0]) == {*scores, "detection"}


# ---- metrics of training


def test_what_is_kept_of_held_out_rows_does_not_depend_on_the_levels_of_earlier_tables() -> None:
    """Tables whose further levels differ are coded in other orders, of as many codes."""
    rng = np.random.default_rng(0)

    def table(levels: str) -> pa.Table:
        return pa.table(
            {"x": rng.normal(size=300), "a": rng.choice(list(levels), 300), "b": rng.choice(list("pq"), 300)}
        )

    holdout, *made = table("bdf"), table("abdf"), table("bdfg"), table("bcdf")
    schema = tables(holdout, made[0]).schema
    names = [name for name in training_metrics() if not all_metrics()[name].lacks(schema)]
    judge = TrainingJudge(names, holdout, schema)
    for one in made:
        assert judge(one) == TrainingJudge(names, holdout, schema)(one)


def test_metrics_give_the_scores_that_they_say() -> None:
    real, made = people(0), people(1)
    schema = tables(real, made).schema
    able = {name: one for name, one in all_metrics().items() if not one.lacks(schema)}
    assert not {"images", "modes"} & set(able)  # these are of other tables
    assert {"fidelity", "distances", "detection", "manifold"} <= set(able)
    for name in set(able) & set(training_metrics()):
        found = TrainingJudge([name], real, schema)(made)
        assert set(found) == set(able[name].scores), name
        assert all(metric_of(score) == name for score in able[name].scores)
    with pytest.raises(KeyError):
        metric_of("last")


@pytest.mark.usefixtures("forgotten", "no_report")
def test_a_metric_of_a_plugin_is_logged_and_chooses_the_generator(
    command: Callable[..., Any], finished: Any, tmp_path: Path
) -> None:
    @metric("gold", {"gold_error": Meaning("error of the share of gold", LOWER)})
    def gold(judged: Any, rows: int | None) -> dict[str, float]:
        shares = [
            np.mean([value == "gold" for value in table["segment"].to_pylist()])
            for table in (judged.real, judged.synthetic)
        ]
        return {"gold_error": abs(shares[0] - shares[1])}

    done = command("train", *finished.arguments, "run_dir=run", "trainer.metrics=[fidelity,manifold,gold]",
                   "trainer.best=gold_error", "data.holdout=0.4")  # fmt: skip
    assert done.status == 0, done.err
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    scored = {line["step"]: line for line in lines if "holdout/gold_error" in line}
    assert set(scored) == {10, 20}
    assert all("holdout/coverage" in line for line in scored.values())
    (best,) = json.loads((tmp_path / "run" / "summary.json").read_text())["scores"]["best"]
    assert best["value"] == min(line["holdout/gold_error"] for line in scored.values())
    assert "gold_error" in done.err


@pytest.mark.usefixtures("forgotten")
def test_a_metric_that_breaks_its_word_is_named() -> None:
    both = tables(people(0), people(1))
    for given, said in (
        ({"even": 1.0}, "it gave even"),
        ({}, "it gave {}"),
        ({"odd": np.nan}, "it gave .*nan.*finite"),
    ):

        @metric("odd", {"odd": Meaning("odd", LOWER)})
        def odd(judged: Any, rows: int | None, given: Any = given) -> dict[str, float]:
            return given

        with pytest.raises(UserError, match=rf"metric odd: {said}.*odd are needed"):
            TrainingJudge(["odd"], people(0), both.schema)(people(1))
    with pytest.raises(ValueError, match="score belongs to fidelity"):
        metric("mine", {"score": Meaning("score", LOWER)})(odd)
