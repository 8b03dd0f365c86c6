"""The whole evaluation, its sentences, and its page."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.evaluation.metrics import (
    LEVELS,
    METRICS,
    PARTS,
    MostRows,
    TrainingJudge,
    all_metrics,
    metric_of,
    training_metrics,
)
from gans.evaluation.results import Evaluation, Score, score_rows
from gans.evaluation.suite import evaluate, metrics_for
from gans.findings.evaluation import findings
from gans.findings.privacy import privacy_fails
from gans.report.evaluation import (
    END,
    REPLIES_END,
    REPLIES_START,
    START,
    render_section,
    write_evaluation,
)

from .customers import people, tables

pytestmark = pytest.mark.usefixtures("few_trees")


@pytest.fixture(scope="module")
def judged(few_trees: None) -> dict[str, Evaluation]:
    """Three synthetic tables of the same people: like, a copy, and columns by themselves."""
    real, test, rng = people(0, 900), people(2, 900), np.random.default_rng(3)
    like = people(1, 900)
    apart = pa.table({name: like[name].take(pa.array(rng.permutation(900))) for name in like.column_names})
    made = {"like": like, "copy": real, "apart": apart}
    return {name: evaluate(tables(real, one, test, "left", ["plan"])) for name, one in made.items()}


def test_every_figure_has_a_meaning_and_every_part_is_there(judged: dict[str, Evaluation]) -> None:
    found = judged["like"]
    parts = [all_metrics()[metric_of(name)].part for name, _ in score_rows(found)]
    assert parts == sorted(parts, key=PARTS.index)
    assert set(PARTS) - set(parts) == {"images", "histories"}
    assert {name for name, _ in score_rows(found)} == set(found.scores)
    every = {score for one in all_metrics().values() for score in one.scores}
    of_other_tables = {"modes", "high_quality", "reverse_kl", "fid", "kid", "inception_score", "global_utility"}
    of_other_tables |= {score for score in every if score.startswith(("history_", "event_"))}
    assert (
        every - {name.partition("/")[0] for name in found.scores} == {"singling_out", "linkability"} | of_other_tables
    )
    for score in found.scores.values():
        assert score.rows is not None
        assert score.rows <= 2 * 900  # an attack is asked about training and test rows
        assert np.isfinite(score.value)
        if score.low is not None:
            assert score.high is not None
            assert score.low <= score.value <= score.high


def test_like_rows_are_near_their_ideals(judged: dict[str, Evaluation]) -> None:
    scores = judged["like"].scores
    for name, ideal in (
        ("dcr_share", scores["dcr_share"].real),
        ("membership_nearest_auc", 0.5),
        ("attribute/plan", 0),
    ):
        assert scores[name].low <= ideal <= scores[name].high  # pyright: ignore
    assert scores["alpha_precision"].value > 0.9
    assert scores["xgb_c2st"].value > 0.85
    assert scores["shape_error"].value < 2 * (scores["shape_error"].real or 0)
    assert scores["beta_recall"].value == pytest.approx(scores["beta_recall"].real, abs=0.06)
    assert not privacy_fails(judged["like"])
    assert not [sentence for sentence in findings(judged["like"]) if sentence.tone == "bad"]


def test_a_copy_fails_privacy_loudly(judged: dict[str, Evaluation]) -> None:
    scores = judged["copy"].scores
    assert scores["exact_copies"].value == scores["dcr_share"].value == scores["membership_nearest_auc"].value == 1
    assert scores["shape_error"].value == 0
    said = [sentence.text for sentence in findings(judged["copy"]) if sentence.tone == "bad"]
    assert privacy_fails(judged["copy"])
    assert sum(text.startswith("NOT PRIVATE") for text in said) >= 3
    assert said[0].startswith("Part of the realism is memory")
    assert said[1].startswith("NOT PRIVATE: 100.00% of the rows equal a training row")


def test_independent_columns_win_shape_and_fail_detection(judged: dict[str, Evaluation]) -> None:
    scores = judged["apart"].scores
    assert scores["shape_error"].value < 2 * (scores["shape_error"].real or 0)
    assert scores["trend_error"].value > 2 * (scores["trend_error"].real or 0)
    assert scores["xgb_c2st"].value < 0.3
    said = " ".join(sentence.text for sentence in findings(judged["apart"]))
    assert "DETECTED" in said
    assert "NOT USEFUL" in said


def test_the_number_of_rows_is_that_of_the_rows_that_were_asked_about() -> None:
    """Few test rows beside many synthetic ones: figures of models and attacks are of the former."""
    only = ["detection", "two_sample", "utility", "augmentation", "membership", "secrets", "criteria", "nearness",
            "copies", "global_utility"]  # fmt: skip
    found = evaluate(tables(people(0, 400), people(1, 500), people(2, 120), "left", ["plan"]), "full", only=only)
    rows = {name: score.rows for name, score in found.scores.items()}
    split = found.details["membership rows"]
    asked = split["members"] + split["non-members"]
    expected = {
        "detection": 120, "xgb_c2st": 400, "lr_c2st": 400, "xgb_c2st_test": 120,
        "tstr": 120, "trtr": 120, "lift_real": 120, "lift_synthetic": 120, "tsts": 500, "trts": 500,
        "augmentation_gain": 120, "smote_gain": 120, "global_utility": 120,
        "membership_worst_auc": asked, "membership_nearest_tpr": asked,
        "attribute/plan": 240, "predicate_singling_out": asked, "halves_linkability": asked,
        "exact_copies": 500, "near_copies": 500,
    }  # fmt: skip
    assert asked == 120
    assert {name: rows[name] for name in expected if name in rows} == {
        name: expected[name] for name in expected if name in rows
    }
    assert {*expected} - {*rows} <= {"predicate_singling_out"}  # where no predicate singles out


def test_secrets_that_are_not_attacked_are_said() -> None:
    real, made = people(0, 300), people(1, 300)
    said = "secrets=[plan,left]: not attacked, metrics=standard or full does that"
    assert said in evaluate(tables(real, made, secrets=["plan", "left"]), "fast").notes
    assert said not in evaluate(tables(real, made), "fast").notes


def test_levels_grow_and_what_is_left_out_is_said() -> None:
    real, made = people(0, 300), people(1, 300)
    three = tables(real, made, people(2), "left")
    names = {level: {one.name for one in metrics_for(level, three)} for level in LEVELS}
    assert names["fast"] < names["standard"] == names["full"] - {"global_utility"}
    alone = evaluate(tables(real, made), "fast")
    assert any("metrics=fast does not measure utility" in note for note in alone.notes)
    assert any("without test rows" in note for note in evaluate(tables(real, made)).notes)
    assert "dcr_share" not in alone.scores
    assert "detection" in alone.scores
    few = evaluate(tables(real, made.slice(0, 50)), "fast")
    assert any("detection: left out" in note for note in few.notes)


def test_rows_are_drawn_where_there_are_more_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"fidelity": 200, "mmd": 100, "manifold": 150, "membership": 150, "two_sample": 250, "utility": 220}
    for name, rows in limits.items():
        monkeypatch.setitem(METRICS, name, dataclasses.replace(all_metrics()[name], most=MostRows(rows, rows, rows)))
    found = evaluate(tables(people(0, 300), people(1, 300), people(2, 300), "left"))
    asked = {"membership": 2 * 150}  # members and others
    for name, rows in limits.items():
        drawn = f": {rows} rows at most of each table, drawn at random"
        assert any(name in note.partition(":")[0].split(", ") and note.endswith(drawn) for note in found.notes)
        score = next(score for score in METRICS[name].scores if score in found.scores)
        assert found.scores[score].rows == asked.get(name, rows)
    assert found.rows == {"real": 300, "synthetic": 300, "test": 300}


def test_one_name_is_one_estimator_in_training_and_in_an_evaluation() -> None:
    """Of the same rows, and as many of them, training and gans.evaluate say the same to the bit."""
    real, made = people(0, 400), people(1, 400)
    names = [name for name in training_metrics() if not all_metrics()[name].lacks(tables(real, made).schema)]
    in_training = TrainingJudge(names, real, tables(real, made).schema)(made)
    evaluated = evaluate(tables(real, made)).scores
    assert in_training == {name: evaluated[name].value for name in in_training}
    assert {"score", "shape_error", "mmd", "coverage", "recall", "detection"} <= set(in_training)


def test_more_test_than_training_rows() -> None:
    found = evaluate(tables(people(0, 120), people(1, 400), people(2, 900), "left", ["plan"]))
    assert all(np.isfinite(score.value) for score in found.scores.values())


def test_a_table_without_numbers_and_one_without_levels() -> None:
    rng = np.random.default_rng(0)
    words = [pa.table({"a": rng.choice(list("xyz"), 300), "b": rng.choice(list("pq"), 300)}) for _ in range(3)]
    numbers = [pa.table({"a": rng.normal(size=300), "b": rng.normal(size=300)}) for _ in range(3)]
    for real, made, test in (words, numbers):
        found = evaluate(tables(real, made, test, "b", ["a"]))
        assert found.scores["xgb_c2st"].value > 0.7


def test_full_tunes_the_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gans.evaluation.utility.GRID", {"max_depth": (2, 5)})
    monkeypatch.setattr("gans.evaluation.utility.TREES", (10,))
    found = evaluate(tables(people(0, 300), people(1, 300), people(2, 300), "left"), "full")
    assert found.details["utility settings"]["synthetic"]["n_estimators"] == 10


# ---- json and the page


def test_json_is_plain(judged: dict[str, Evaluation]) -> None:
    stored = json.loads(json.dumps(judged["like"].to_json(), allow_nan=False))
    assert stored["scores"]["xgb_c2st"]["value"] == pytest.approx(judged["like"].scores["xgb_c2st"].value, rel=1e-5)
    names, pairs = [*people(0).column_names, "age is null"], stored["details"]["worst pairs"]
    assert len(pairs) == 10
    assert {name for pair in pairs for name in pair.split(" x ")} <= set(names)
    beyond = [made - usual for made, usual in pairs.values()]
    assert beyond == sorted(beyond, reverse=True)
    odd = Evaluation("fast", {"real": 1}, scores={"a": Score(np.nan, np.inf, np.float64(2), np.int64(3), 4)})  # pyright: ignore
    assert odd.to_json()["scores"]["a"] == {"value": None, "low": None, "high": 2.0, "real": 3, "rows": 4}


def test_the_page_of_a_run_gets_one_section(judged: dict[str, Evaluation], finished: Any, tmp_path: Path) -> None:
    old = (finished.path / "report.html").read_text()
    assert old.count(START) == old.count(END) == 1
    assert old.count("Not tested yet") == 2
    assert "gans evaluate run=" in old
    (tmp_path / "report.html").write_text(old)
    for name in ("copy", "like"):
        write_evaluation(tmp_path, judged[name], [])
    new = (tmp_path / "report.html").read_text()
    assert new.count('id="evaluation"') == 1
    assert "NOT PRIVATE" not in new
    assert "Not done yet" not in new
    assert "Not tested yet" not in new
    assert f"{len(judged['like'].details['membership']['synthetic'])} membership attacks" in new
    parts = f"{START}.*{END}|{REPLIES_START}.*{REPLIES_END}"
    start, end = (re.sub(parts, "", text, flags=re.DOTALL) for text in (old, new))
    assert start == end


def test_a_page_of_its_own(judged: dict[str, Evaluation], tmp_path: Path) -> None:
    write_evaluation(tmp_path, judged["copy"], [{"seed": None, "draw": 0, "scores": {}}])
    text = (tmp_path / "report.html").read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "NOT PRIVATE" in text
    first_screen = text.split(REPLIES_START)[1].split(REPLIES_END)[0]
    assert re.search(r'class="reply bad">\s*<h2>May I share these rows\?', first_screen)
    assert text.index(REPLIES_END) < text.index(START)
    assert "<script" not in text
    assert json.loads((tmp_path / "evaluation.json").read_text())["observed"][0]["draw"] == 0


def test_texts_of_the_table_are_escaped() -> None:
    name = "<script>alert(1)</script>"
    real, made = (
        pa.table({name: np.random.default_rng(s).normal(size=200), "b": np.arange(200) % 7.5}) for s in (0, 1)
    )
    section = render_section(evaluate(tables(real, made), "fast"))
    assert "<script" not in section


# ---- verdicts


def words(seed: int, rows: int, levels: str = "abcd") -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table({"a": rng.choice(list(levels), rows), "b": rng.choice(["p", "q", "r"], rows)})


def test_a_copy_of_a_table_whose_rows_often_repeat_is_seen() -> None:
    many = "".join(chr(97 + k) for k in range(26)) + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    real = words(0, 120, many)
    found = evaluate(tables(real, real, words(1, 500, many)), "fast")
    assert (found.scores["exact_copies"].real or 0) > 0.34
    assert privacy_fails(found)


def test_rows_that_repeat_by_themselves_are_no_copies() -> None:
    found = evaluate(tables(words(0, 2_000), words(1, 2_000)), "fast")
    assert found.scores["exact_copies"].value == 1
    assert not privacy_fails(found)


def test_little_to_tell_from_is_said() -> None:
    rng = np.random.default_rng(0)
    noise = [pa.table({"x": rng.normal(size=400), "t": rng.choice(["y", "n"], 400)}) for _ in range(3)]
    said = " ".join(sentence.text for sentence in findings(evaluate(tables(noise[0], noise[1], noise[2], "t"))))
    assert "t cannot be predicted from real rows either" in said


def test_what_real_rows_have_is_that_of_as_many_rows() -> None:
    """With a tenth of the rows the test side is noisier; what stands beside must not be."""
    real, made = people(0, 2_000), people(1, 2_000)
    shapes = [evaluate(tables(real, made, people(2, rows)), "fast").scores["shape_error"].real for rows in (2_000, 200)]
    assert shapes[1] == pytest.approx(shapes[0], rel=0.5)


def test_a_constant_that_varies_is_said() -> None:
    real, made = (people(seed).append_column("k", pa.array([1] * 400)) for seed in (0, 1))
    moved = made.set_column(5, "k", pa.array(np.arange(400)))
    for table, wrong in ((made, False), (moved, True)):
        said = [sentence.text for sentence in findings(evaluate(tables(real, table), "fast")) if sentence.tone == "bad"]
        assert any("k is constant in the real table" in text for text in said) == wrong


def test_few_rows_leave_out_what_needs_more() -> None:
    for rows in ((300, 1, 300), (300, 300, 5), (30, 30, 30)):
        found = evaluate(tables(*(people(seed, many) for seed, many in enumerate(rows)), "income", ["plan"]))
        assert {"shape_error", "exact_copies"} <= set(found.scores)
        assert any("left out" in note for note in found.notes)
        said = [sentence for sentence in findings(found) if "NOT PRIVATE" in sentence.text]
        assert not said


def test_odd_names_and_a_target_with_holes() -> None:
    names = ["a[b]", "<c>", " x ", "p,q", "\u91d1=1"]
    three = [people(seed, 300).rename_columns(names) for seed in range(3)]
    found = evaluate(tables(*three, "a[b]", ["p,q"]))
    assert found.details["given away by columns"].keys() <= set(names)
    assert any("real rows are left out, a[b] is missing" in note for note in found.notes)
    section = render_section(found)
    assert "<c>" not in section
    assert all(name in section for name in ("a[b]", "p,q"))


def test_a_page_that_is_not_of_a_run_is_kept(judged: dict[str, Evaluation], tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    assert write_evaluation(tmp_path, judged["like"], [])[1].name == "evaluation.html"
    assert (tmp_path / "report.html").read_text() == "mine"
