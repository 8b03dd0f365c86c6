"""Pages in Chinese: no English sentence is left on them, nor in their charts."""

import base64
import re
from collections.abc import Callable, Iterable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.comparison.comparison import compare
from gans.comparison.figures import comparison_figures
from gans.comparison.page import render_page
from gans.comparison.tables import markdown, terminal
from gans.data.detection import detect
from gans.data.domain import Domain
from gans.decisions.cases import Case
from gans.decisions.scenarios import answer_of, draw
from gans.decisions.segment_traits import find_personas
from gans.evaluation.fidelity import Reference
from gans.evaluation.inputs import read_sides
from gans.evaluation.results import Evaluation
from gans.evaluation.suite import evaluate
from gans.findings.endings import ending_lines
from gans.notebook.shown import Finding
from gans.privacy.entry import SUBSAMPLED, Entry
from gans.privacy.ledger import Ledger
from gans.report import figures
from gans.report.answers import write_answer
from gans.report.evaluation import table_lines, write_evaluation
from gans.report.history_page import write_histories
from gans.report.model_card import Card
from gans.report.page import report_run, write_report
from gans.report.private_page import cells_of
from gans.report.segment_page import write_personas
from gans.runs.files import RunFiles
from gans.runs.finish import RunResults
from gans.runs.private import PrivateResults
from gans.runs.record import RunRecord, make_record
from gans.tracking.wrapped import lines_of
from gans.words import CHINESE, in_language

NAMES = """
age visits spend city member bought Rome Ulm yes no gans evaluate sample run seed html json csv yaml tabular
experiment AUC TPR FPR IQM PSI SMOTE KS Brier Rank Pearson Cram Kolmogorov Smirnov Wilcoxon Holm Wasserstein
Jensen Shannon MMD DCR Fr chet XGB LR alpha beta sdmetrics wNMIS DOMIAS DPI Gen LRA LOGAN anonymeter Nemenyi
Friedman Student DejaVu ICL epsilon delta report card summary config metrics secrets COLUMN standard fast out rows
jax loss gradient Apache License tests PDF PNG comparison runs toy zhong run_dir data path toy_name toy-a toy-b
households null members all DIR C ST holdout test docs privacy domain dp_marginals
evaluation compare none table md tex NaN Agarwal
"""  # of columns, files, keys, measures and people


def english(page: str, names: Iterable[str]) -> list[str]:
    """The words of a page, its alternative texts and its charts that are English, without code."""
    charts = [base64.b64decode(one).decode() for one in re.findall(r"svg\+xml;base64,([A-Za-z0-9+/=]+)", page)]
    page = re.sub(r"<(style|pre|code|details)\b.*?</\1>", " ", page, flags=re.DOTALL)
    said = re.findall(r'(?:alt|aria-label)="([^"]*)"', page)
    said += [re.sub(r"<[^>]*>", " ", re.sub(r"<!--.*?-->", " ", page, flags=re.DOTALL))]
    said += [text for chart in charts for text in re.findall(r"<text[^>]*>([^<]*)</text>", chart)]
    known = {part.lower() for name in (NAMES, *names) for part in re.findall("[A-Za-z]+", name)}
    words = {word for text in said for word in re.findall(r"[A-Za-z]{2,}", unescape(text))}
    return sorted(word for word in words if word.lower() not in known)


@pytest.fixture(autouse=True)
def _chinese() -> Any:
    with in_language(CHINESE):
        yield


def report(customers: Callable[[int, int], pa.Table], **summary: Any) -> RunResults:
    training, holdout, synthetic = (customers(300, seed) for seed in (1, 2, 3))
    schema = detect(training)
    to_training, to_holdout = Reference(training, schema), Reference(holdout, schema)
    found = to_training.compare(synthetic), to_holdout.compare(synthetic), to_training.compare(holdout)
    rows = [{"step": step, "loss/discriminator": 0.1, "loss/generator": step / 900, "critic/real": 1.0,
             "critic/fake": 0.0, "penalty/gradient": 0.3, "holdout/score": 0.9, "holdout/column_distance": 0.1,
             "holdout/pair_distance": 0.2, "holdout/detection": step / 400} for step in (100, 200, 300)]  # fmt: skip
    kept = {"seed": 0, "step": 300, "value": 0.75, "by": "detection"}
    told = {"status": "completed", "steps": 300, "seconds": 75.0, "seed": 0, "train_seconds": 70.0, "stopped": None}
    told |= {"versions": {"jax": "0.9"}, "kept": kept, "refine_seconds": 5.0, "rows": {"training": 300, "holdout": 300}}
    told["scores"] = {"holdout": {"score": 0.9}, "floor": {"score": 0.95}, "best": [{"step": 300, "value": 0.75}]}
    return RunResults(
        name="tabular", config="seed: 0\nname: tabular\ndata: {path: 顾客.csv}\n", summary=told | summary, history=rows,
        schema=schema, training=training, synthetic=synthetic, against_training=found[0], against_holdout=found[1],
        floor=found[2],
    )  # fmt: skip


@pytest.fixture(scope="module")
def evaluation(customers: Callable[[int, int], pa.Table]) -> Evaluation:
    real, synthetic, test = (customers(400, seed) for seed in (1, 2, 3))
    with in_language(CHINESE):
        sides = read_sides(detect(real), real, synthetic, test, "bought", ["city"])
        return evaluate(sides, "standard")


@pytest.mark.parametrize("status", ["completed", "diverged", "interrupted"])
def test_a_run_its_card_and_its_last_lines(tmp_path: Path, customers: Any, status: str) -> None:
    found = report(customers, status=status)
    write_report(tmp_path / "report.html", found)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in page
    assert english(page, ["tabular", str(tmp_path)]) == []
    Card.of(found).write(RunFiles(tmp_path))
    card = RunFiles(tmp_path).card.read_text(encoding="utf-8").split("---", 2)[2]
    assert english(re.sub(r"```.*?```|`[^`]*`", "", card, flags=re.DOTALL), ["tabular", str(tmp_path)]) == []
    from gans.config.compose import compose
    from gans.runs.calls import Call
    from gans.runs.execute import Result

    lines = ending_lines(Result(tmp_path, found.summary, None), found, compose([]), Call("gans train"))  # pyright: ignore[reportArgumentType]
    assert english("\n".join(line for line in lines if not line.startswith("  ")), []) == []


PUBLIC = """
columns:
  city: {kind: category, levels: [Rome, Ulm]}
  age: {kind: integer, low: 18, high: 90, bins: 3}
  bought: {kind: datetime, low: 2015-01-01, high: 2024-12-31, bins: 3, missing: true}
"""
ASKED = [
    "levels of city", "edges of age", "counts of age within its bins", "counts of city", "counts of age with city",
    "choice of the pair that is answered worst", "votes of teachers on 8 generated rows", "gradients of the critic",
]  # fmt: skip


def test_a_private_run_and_its_card(tmp_path: Path) -> None:
    (tmp_path / "public.yaml").write_text(PUBLIC)
    domain, ledger = Domain.read(tmp_path / "public.yaml"), Ledger(1.0, 1e-5)
    ledger.entries = [Entry(what, "discrete Gaussian", 1.0, 900.0) for what in ASKED[:-1]]
    ledger.entries.append(Entry(ASKED[-1], SUBSAMPLED, 1.0, 9.0, 0.01))
    codec = domain.codec()
    parts = [np.ones(len(cells_of(column))) / 3 for column in domain.modelled]
    found = PrivateResults(
        name="dp_marginals", config="seed: 0\nname: dp_marginals\ndata: {path: 顾客.csv}\n",
        summary={"status": "completed", "steps": 9, "seed": 0, "rows": {"estimated": 900}}, schema=codec.schema,
        domain=domain, ledger=ledger.to_json(), synthetic=codec.decode(codec.empty(3)),
        measured={column.name: (part, part) for column, part in zip(domain.modelled, parts, strict=True)},
    )  # fmt: skip
    report_run(tmp_path / "report.html", found)
    names = ["dp_marginals", "rho", "domain.yaml", "privacy.json", str(tmp_path)]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "age 各区间内的计数" in page
    assert "age 与 city 的联合计数" in page
    assert "2015-01-01 至 2018-05-02" in [cell for column in domain.modelled for cell in cells_of(column)]
    assert english(page, names) == []
    card = RunFiles(tmp_path).card.read_text(encoding="utf-8").split("---", 2)[2]
    assert english(re.sub(r"```.*?```|`[^`]*`", "", card, flags=re.DOTALL), names) == []


def test_an_evaluation(tmp_path: Path, evaluation: Evaluation) -> None:
    _, page = write_evaluation(tmp_path, evaluation, [])
    assert english(page.read_text(encoding="utf-8"), []) == []


@pytest.mark.parametrize(
    ("scenario", "options"),
    [
        ("marketing", {}),
        ("risk", {}),
        ("product", {"of": "city", "by": "age", "where": "age > 40"}),
        ("research", {"k": 2}),
    ],
)
def test_a_use(tmp_path: Path, good: Case, scenario: str, options: dict[str, Any]) -> None:
    answer = answer_of(scenario, [good], options)
    page = write_answer(tmp_path, answer, draw(answer)).read_text(encoding="utf-8")
    assert english(page, ["use", scenario]) == []


def test_personas(tmp_path: Path, good: Case) -> None:
    found = find_personas(good, 2)
    assert english(write_personas(tmp_path, found, "tabular").read_text(encoding="utf-8"), ["personas"]) == []
    assert not any(one.name[0].isupper() for one in found.personas)  # they begin with the name of a column


def test_histories(tmp_path: Path) -> None:
    found = {"visits": {"equal": 0.99, "correlation": 1.0}, "spend": {"equal": 0.5, "correlation": 0.3}}
    assert english(write_histories(tmp_path, found, "").read_text(encoding="utf-8"), ["events"]) == []


def test_a_comparison(tmp_path: Path) -> None:
    def run(name: str, level: float) -> RunRecord:
        config = {"name": name, "components": {"data": "households"}, "data": {}, "trainer": {"seeds": 3}}
        summary = {"status": "completed", "steps": 100, "seconds": 9.0, "rows": {"training": 900}}
        scores = {"best": [{"seed": seed, "step": 100, "value": level} for seed in range(3)]}
        history = [{"step": step, "seconds": step / 10} | {f"seed{k}/holdout/score": level * step for k in range(3)}
                   for step in (50, 100)]  # fmt: skip
        rows = {"real": 900, "synthetic": 900, "test": 100}
        observed = [{"seed": seed, "draw": draw, "scores": {"xgb_c2st": level + seed / 100 + draw / 1000}}
                    for seed in range(3) for draw in range(2)]  # fmt: skip
        evaluation = {"level": "standard", "rows": rows, "observed": observed}
        return make_record(str(tmp_path / name), config, summary | {"scores": scores}, history, evaluation)

    runs = [run("toy-a", 0.5), run("toy-b", 0.8)]
    found = compare(runs, "experiment", ["xgb_c2st"], "steps")
    assert english(render_page(found, comparison_figures(found), tmp_path), []) == []
    assert english(terminal(found), ["experiment"]) == []
    assert english(markdown(found), ["experiment"]) == []


def test_a_finding_of_a_notebook_keeps_its_language(customers: Any) -> None:
    from gans.findings.run import headline

    found = Finding([headline(report(customers))], customers(3, 1).to_pandas())
    with in_language("en"):
        assert re.search("<b>(好|说明|不好)</b>", found._repr_html_())


def test_chinese_lines_fit_a_terminal() -> None:
    text = (
        "得分是在保留的那一步、对留出数据计算的。这一步正是由这些数据选出的；gans evaluate run=DIR members=all 更公允。"
    )
    lines = lines_of(text, 30, hanging=2)
    assert all(sum(2 if ord(letter) > 0x2E7F else 1 for letter in line) <= 32 for line in lines)
    assert "".join(line.strip() for line in lines).replace(" ", "") == text.replace(" ", "")
    assert not any(line.strip()[0] in "，。；、" for line in lines)


def test_titles_of_a_table_stand_in_columns() -> None:
    lines = table_lines(
        {"fidelity": [("列距离", "0.1", "", "", "", "5"), ("a longer title", "0.2", "", "", "", "5")]}, None
    )
    assert len({len(line.encode("gbk")) for line in lines if line}) == 1


def test_pictures_have_letters_of_a_font_or_english_words(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(figures, "chinese_fonts", lambda: ())
    with figures.words_of_pictures():
        assert figures.say("missing") == "missing"
    assert "no font with Chinese letters" in caplog.text
    monkeypatch.setattr(figures, "chinese_fonts", lambda: ("Some Font",))
    with figures.words_of_pictures():
        assert figures.say("missing") == "缺失"
