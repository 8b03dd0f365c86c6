"""The score against unseen rows: its protocol, its parts, its sentences and its picture."""

import numpy as np
import pyarrow as pa
import pytest

from gans.evaluation import unseen
from gans.evaluation.intervals import Z
from gans.evaluation.results import Evaluation, Score
from gans.evaluation.suite import evaluate, metrics_for
from gans.evaluation.unseen import Auc, detector_aucs, matrix, overfit_of, score_of, shuffled
from gans.findings.realism import realism_sentences
from gans.report.realism import realism_figure

from .customers import people, sides, tables


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(unseen.TREES, "n_estimators", 20)


def judged(score: float, columns: float, joint: float, overfit: tuple[float, float, float]) -> Evaluation:
    scores = {
        "unseen_score": Score(score, score - 0.01, score + 0.01, 0.99),
        "unseen_columns": Score(columns),
        "unseen_joint": Score(joint),
        "unseen_overfit": Score(*overfit, 0.0),
    }
    beside = {"rows of each side": 5_000, "independent columns": 0.02, "training rows": 0.99}
    return Evaluation("standard", {}, scores=scores, details={"unseen rows": beside})


def test_a_matrix_has_missing_numbers_and_ordinal_codes() -> None:
    real, _ = sides(people(0, 50), people(1, 50))
    found = matrix(real)
    assert found.shape == (50, 5)
    np.testing.assert_array_equal(np.isnan(found[:, 0]), real.columns["age is null"] == 1)
    np.testing.assert_array_equal(found[:, 1], real.columns["plan"])
    np.testing.assert_array_equal(found[:, 2], real.columns["income"])


def test_shuffled_columns_keep_their_values_and_lose_each_other() -> None:
    rows = np.repeat(np.arange(500.0)[:, None], 2, axis=1)
    found = shuffled(rows, 0)
    np.testing.assert_array_equal(np.sort(found, axis=0), rows)
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.15


def test_the_auc_is_that_of_the_published_protocol() -> None:
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from xgboost import XGBClassifier

    rng = np.random.default_rng(0)
    left, right = rng.normal(0, 1, (150, 3)), rng.normal(0.4, 1, (150, 3))
    model = XGBClassifier(n_estimators=20, max_depth=6, learning_rate=0.1, subsample=0.9, colsample_bytree=0.9,
                          tree_method="hist", random_state=0)  # fmt: skip
    labels, folds = np.repeat([0, 1], 150), StratifiedKFold(5, shuffle=True, random_state=0)
    chances = cross_val_predict(model, np.concatenate([left, right]), labels, cv=folds, method="predict_proba")
    found = detector_aucs({"shifted": (left, right)})["shifted"]
    assert found.value == pytest.approx(roc_auc_score(labels, chances[:, 1]), abs=1e-4)


def test_the_same_bits_on_any_number_of_cores_and_beside_other_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(200, 3)), rng.normal(0.2, 1, (200, 3))
    monkeypatch.setattr(unseen.os, "cpu_count", lambda: 1)
    alone = detector_aucs({"a": (one, other)})["a"]
    monkeypatch.setattr(unseen.os, "cpu_count", lambda: 4)
    assert detector_aucs({"b": (other, one), "a": (one, other)})["a"] == alone


def test_score_and_overfit_by_hand() -> None:
    score = score_of(Auc(0.6, 0.01))
    assert score[:3] == pytest.approx((0.8, 0.8 - 0.02 * Z, 0.8 + 0.02 * Z))
    assert score_of(Auc(0.45, 0.01)).value == pytest.approx(0.9)  # as published: told apart is told apart
    assert score_of(Auc(0.5, 0.01)).high == 1
    overfit = overfit_of(Auc(0.6, 0.003), Auc(0.45, 0.004))  # far below a half against training rows: their twins
    assert overfit[:3] == pytest.approx((0.3, 0.3 - 0.01 * Z, 0.3 + 0.01 * Z))
    assert overfit_of(Auc(0.6, 0.003), Auc(0.49, 0.004)).value == pytest.approx(0.18)  # noise: as 0.51


def test_a_copy_is_overfit_and_independent_columns_are_lost_to_the_joint() -> None:
    real, test, rng = people(0, 600), people(2, 600), np.random.default_rng(3)
    like = people(1, 600)
    apart = pa.table({name: like[name].take(pa.array(rng.permutation(600))) for name in like.column_names})
    copied, split = (evaluate(tables(real, one, test), only=["unseen"]) for one in (real, apart))
    assert (copied.scores["unseen_overfit"].low or 0) > 0.2
    assert copied.scores["unseen_score"].value == copied.details["unseen rows"]["training rows"]
    score, columns, joint = (split.scores[f"unseen_{name}"].value for name in ("score", "columns", "joint"))
    assert score < 0.5
    assert joint > 4 * columns
    assert score + columns + joint == pytest.approx(1)
    beside = split.details["unseen rows"]
    assert beside["independent columns"] < 0.5
    assert beside["training rows"] > 0.85
    low, high = split.scores["unseen_overfit"].low, split.scores["unseen_overfit"].high
    assert (low or 0) < 0 < (high or 0)


def test_all_pairs_have_the_rows_of_the_smallest_table_and_few_are_left_out() -> None:
    found = evaluate(tables(people(0, 300), people(1, 400), people(2, 150)), only=["unseen"])
    assert found.details["unseen rows"]["rows of each side"] == found.scores["unseen_score"].rows == 150
    few = tables(people(0, 300), people(1, 400), people(2, 99))
    assert "unseen" not in [one.name for one in metrics_for("standard", few)]
    (note,) = [note for note in evaluate(few, only=["unseen"]).notes if "score against unseen rows" in note]
    assert "need 100 test rows, there are 99" in note


@pytest.mark.parametrize(
    ("found", "tones", "said"),
    [
        (judged(0.95, 0.01, 0.04, (0.085, 0.06, 0.11)), ["good", "note", "bad"], "Part of the realism is memory"),
        (judged(0.78, 0.15, 0.07, (0.02, 0.005, 0.035)), ["note", "note", "note"], "mostly single columns"),
        (judged(0.3, 0.1, 0.6, (0.0, -0.01, 0.01)), ["bad", "note", "good"], "mostly the relations between columns"),
        (judged(0.985, 0.005, 0.01, (0.0, -0.01, 0.01)), ["good", "good"], "No overfitting beyond noise"),
        (judged(0.6, 0.4, -0.035, (0.0, -0.01, 0.01)), ["note", "note", "good"], "columns nothing more."),
        (judged(0.6, -0.01, 0.4, (0.0, -0.01, 0.01)), ["note", "note", "good"], "single columns nothing."),
        (judged(0.985, 0.005, 0.01, (-0.0001, -0.01, 0.01)), ["good", "good"], "differs by +0.000 (-0.010"),
    ],
)
def test_sentences(found: Evaluation, tones: list[str], said: str) -> None:
    sentences = realism_sentences(found)
    assert [one.tone for one in sentences] == tones
    text = " ".join(one.text for one in sentences)
    assert said in text
    assert "on 5,000 unseen rows" in text
    assert "Real training rows reach 0.990, independently drawn columns 0.020" in text


def test_without_test_rows_another_detector_speaks() -> None:
    found = Evaluation("standard", {}, scores={"xgb_c2st": Score(0.7, 0.65, 0.75)})
    (sentence,) = realism_sentences(found)
    assert "from training ones scores 0.700 (0.650 to 0.750)" in sentence.text
    assert realism_figure(found) is None


@pytest.mark.parametrize(
    ("score", "overfit", "ends"),
    [
        (0.97, (0.01, -0.03, 0.05), (0.94, 1.0)),  # no score is above 1
        (0.01, (0.01, -0.03, 0.05), (0.0, 0.06)),
        (0.9, (0.9, 0.85, 0.95), (1.75, 1.8)),  # copies, whose score is
    ],
)
def test_the_interval_of_the_picture_is_within_its_axis(
    score: float, overfit: tuple[float, float, float], ends: tuple[float, float]
) -> None:
    figure = realism_figure(judged(score, 0.01, 0.02, overfit))
    assert figure is not None
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    (whisker,) = [line for line in axes.lines if line.get_marker() == "|"]
    assert tuple(whisker.get_xdata()) == pytest.approx(ends)  # pyright: ignore
    assert low <= ends[0] <= ends[1] <= high


@pytest.mark.parametrize("independent", [0.02, 0.97])
def test_the_marks_of_the_picture_have_their_texts_within_its_axis(independent: float) -> None:
    found = judged(0.3, 0.1, 0.6, (0.0, -0.01, 0.01))
    found.details["unseen rows"]["independent columns"] = independent
    figure = realism_figure(found)
    assert figure is not None
    figure.draw_without_rendering()
    inside = figure.axes[0].get_window_extent()
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1, text.get_text()


@pytest.mark.parametrize(("columns", "joint"), [(0.05, 0.15), (0.5, -0.3)])
def test_the_bars_of_the_picture_add_up(columns: float, joint: float) -> None:
    figure = realism_figure(judged(0.8, columns, joint, (0.05, 0.03, 0.07)))
    assert figure is not None
    bars = [bar for bar in figure.axes[0].patches if bar.get_height() == 0.5]  # pyright: ignore
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]  # pyright: ignore
    assert ends[0] == (0, 0.8)
    assert ends[1] == pytest.approx((0.8, max(0.8, 1 - columns)))
    assert ends[2] == pytest.approx((max(0.8, 1 - columns), 1))
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]  # pyright: ignore
    assert legend == [
        "score 0.800 (0.790 to 0.810)",
        f"lost to relations between columns {joint:.3f}" if joint > 0 else "nothing lost to relations between columns",
        f"lost to single columns {columns:.3f}",
        "overfit +0.050 (+0.030 to +0.070)",
    ]
