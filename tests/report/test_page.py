import base64
import dataclasses
import datetime as dt
import html
import itertools
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gans.data.detection import detect
from gans.evaluation.fidelity import Fidelity, Reference
from gans.evaluation.results import Evaluation, Score
from gans.findings.first_screen import REAL, RESEMBLE, SHARE, evaluated_replies
from gans.findings.kept import kept_generator
from gans.findings.run import PAIR, duration, headline, sentences, verdict, worst
from gans.findings.titles import said_day, table_name
from gans.report import page
from gans.report.evaluation import REPLIES_END, REPLIES_START, write_evaluation
from gans.report.page import write_report
from gans.runs.finish import RunResults
from gans.words import CHINESE, in_language

VOID = {"meta", "img", "br"}
SECTIONS = ["words", "evaluation", "score", "columns", "pairs", "sample", "curves", "trained", "use"]
NAME = "<script>alert('n')</script>"
ROWS = 400
QUESTIONS = (SHARE, RESEMBLE, REAL)


class Page(HTMLParser):
    """What the tests ask of a page; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def classes(self, name: str) -> list[list[str]]:
        """Of each element of a class its other classes."""
        every = [(attributes.get("class") or "").split() for _, attributes in self.tags]
        return [[other for other in found if other != name] for found in every if name in found]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.texts))


def table(seed: int, shift: float = 0.0, gone: bool = False) -> pa.Table:
    rng = np.random.default_rng(seed)
    size = rng.normal(shift, 1, ROWS)
    return pa.table(
        {
            "size": size,
            "twice $x^2$": size * (2 if not shift else -2) + rng.normal(0, 0.1, ROWS),
            NAME: np.array(["<b>bold</b>", "plain"])[(rng.random(ROWS) < 0.4 + shift / 5).astype(int)],
            "\u91d1\u984d": rng.integers(0, 50, ROWS),
            "seen": pa.array(rng.integers(1.5e9, 1.6e9, ROWS), pa.timestamp("s", tz="Europe/Berlin")),
            "flag": rng.random(ROWS) < 0.5,
            "maybe": pa.array([None] * ROWS if gone else rng.normal(size=ROWS), pa.float64()),
            "constant": ["same"] * ROWS,
            "town": [f"secret town {i}" if i < 3 and seed == 0 else f"town {i % 4}" for i in range(ROWS)],
        }
    )


def make(synthetic: pa.Table, history: list | None = None, **summary: object) -> RunResults:
    training, holdout = table(0), table(1)
    schema = detect(training)
    to_training, to_holdout = Reference(training, schema), Reference(holdout, schema)
    return RunResults(
        name="cgan <i>",
        config="seed: 0\nname: <b>me</b>\ndata: {path: /home/me/own <i>.csv}\n",
        summary={"status": "completed", "steps": 3000, "seconds": 75.0, "seed": 7, "commit": "abc123"}
        | {"rows": {"training": ROWS, "holdout": 2 * ROWS}}
        | {"versions": {"jax": "0.9"}, "scores": {"detection": 0.61}}
        | summary,
        history=history or [],
        schema=schema,
        training=training,
        synthetic=synthetic,
        against_training=to_training.compare(synthetic),
        against_holdout=to_holdout.compare(synthetic),
        floor=to_training.compare(holdout),
    )


def scored(*scores: float) -> list[dict[str, float]]:
    return [
        {
            "step": 1000 * (place + 1),
            "seconds": 1.0,
            "loss/discriminator": -0.5,
            "loss/generator": 1.0,
            "critic/real": 0.3,
            "critic/fake": -0.3,
            "penalty/gradient": 0.1,
            "holdout/score": score,
            "holdout/column_distance": 1 - score,
            "holdout/pair_distance": 1 - score,
        }
        for place, score in enumerate(scores)
    ]


def told(report: RunResults) -> str:
    return "\n".join(f"{sentence.tone}: {sentence.text}" for sentence in sentences(report))


@pytest.fixture
def one_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_FIGURES", 1)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("run") / "report.html"
    write_report(path, make(table(2, shift=1.5, gone=True), scored(0.7, 0.9, 0.8)))
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def test_page_has_its_sections_and_headings_in_order(written: str) -> None:
    parsed = Page(written)
    assert [section["id"] for section in parsed.all("section")] == SECTIONS
    assert [anchor["href"] for anchor in parsed.all("a")] == [f"#{name}" for name in SECTIONS]
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert parsed.all("html")[0]["lang"] == "en"
    assert all(image["alt"] for image in parsed.all("img"))
    for text in ("3,000 in 1 min 15 s", "abc123", "jax 0.9", "seed: 0", "0.6100", "gans sample run="):
        assert text in parsed.text


def test_page_asks_nothing_of_the_network_and_runs_nothing(written: str) -> None:
    parsed = Page(written)
    for _, attributes in parsed.tags:
        for key in ("src", "href"):
            assert (attributes.get(key) or "#").startswith(("#", "data:image/"))
        assert not any(key.startswith("on") for key in attributes)
    assert not {"script", "link", "iframe", "object", "b", "i"} & {tag for tag, _ in parsed.tags}
    assert "url(" not in written
    assert "@import" not in written


def test_page_escapes_what_comes_from_the_table(written: str) -> None:
    parsed = Page(written)
    assert NAME in parsed.text
    assert "<b>bold</b>" in parsed.text
    assert "cgan <i>" in parsed.text
    assert NAME not in written


def test_the_title_names_the_table_its_rows_and_the_day(written: str) -> None:
    title = re.search("<title>(.*)</title>", written)
    assert title is not None
    assert f"<h1>{title[1]}</h1>" in written
    name, rows, day = html.unescape(title[1]).split(", ")
    assert name == "Report on own <i>.csv"  # the file, without its folder
    assert rows == f"{3 * ROWS:,} rows"
    assert dt.datetime.strptime(day, "%d %B %Y").date() in (dt.date.today(), dt.date.today() - dt.timedelta(days=1))


@pytest.mark.parametrize(
    ("config", "given", "name"),
    [
        ({"components": {"data": "table"}, "data": {"path": "/a/b.csv.gz"}}, False, "b.csv.gz"),
        ({"components": {"data": "adult"}, "data": {"file": "adult.parquet", "root": "/a"}}, False, "adult"),
        ({"components": {"data": "households"}, "data": {}}, False, "households"),
        ({"components": {"data": "sql"}, "data": {"query": "select 1"}}, False, "a query"),
        ({"components": {"data": "households"}, "data": {}}, True, "a table in memory"),
        ({"components": {"data": "profiles"}, "data": {"orders": "a/orders.csv"}}, False, "orders.csv"),
        (
            {"components": {"data": "histories"}, "data": {"customers": "/a/who.csv", "orders": "/a/orders.parquet"}},
            False,
            "orders.parquet and who.csv",
        ),
        (
            {"components": {"data": "profiles"}, "data": {"database": "/a/shop.duckdb", "orders": "o", "views": "v"}},
            False,
            "shop.duckdb",
        ),
        (
            {"components": {"data": "profiles"}, "data": {"orders": "select 1", "views": "v/*.csv", "social": "s.csv"}},
            False,
            "a query, *.csv and s.csv",
        ),
    ],
)
def test_the_name_of_a_table(config: dict[str, object], given: bool, name: str) -> None:
    assert table_name(config, given) == name


def test_the_names_of_logs_are_said_in_chinese() -> None:
    logs = {"orders": "orders.parquet", "views": "views.csv", "customers": "customers.parquet"}
    with in_language(CHINESE):
        named = table_name({"components": {"data": "histories"}, "data": logs}, False)
    assert named == "orders.parquet、views.csv 和 customers.parquet"


def test_a_day_is_said_as_each_language_says_it() -> None:
    assert said_day(dt.date(2026, 3, 8)) == "8 March 2026"
    with in_language(CHINESE):
        assert said_day(dt.date(2026, 3, 8)) == "2026 年 3 月 8 日"


def test_page_draws_every_column_and_names_no_rare_level(written: str) -> None:
    parsed = Page(written)
    images = [image["src"] or "" for image in parsed.all("img")]
    assert len(images) == 3 + 2 + 8 + 1
    figures = [base64.b64decode(image.split(",", 1)[1]).decode() for image in images]
    assert all(figure.lstrip().startswith("<?xml") for figure in figures)
    everything = written + "".join(figures)
    assert "(3 other levels)" in everything
    assert "secret town" not in everything
    assert "written back as they were, so not measured: constant." in parsed.text


@pytest.mark.usefixtures("one_figure")
def test_sample_rows_are_synthetic_and_none_is_a_training_row(tmp_path: Path) -> None:
    training, other = table(0), table(3)
    synthetic = pa.concat_tables([training.slice(0, 7), other])
    report = make(synthetic)
    write_report(tmp_path / "report.html", report)
    parsed = Page((tmp_path / "report.html").read_text())
    assert "7 that equal a training row were skipped" in parsed.text
    for value in training["size"].to_pylist():
        assert f"{value:.6g}" not in parsed.text
    shown = [f"{value:.6g}" in parsed.text for value in other["size"].to_pylist()]
    assert shown == [True] * 20 + [False] * (ROWS - 20)


@pytest.mark.usefixtures("one_figure")
def test_a_copied_table_shows_no_sample_row(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", make(table(0)))
    assert (
        "200 that equal a training row were skipped. There are 0." in Page((tmp_path / "report.html").read_text()).text
    )


def test_a_large_page_has_bitmaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_BYTES", 1000)
    monkeypatch.setattr(page, "MOST_FIGURES", 2)
    report = make(table(2))
    write_report(tmp_path / "report.html", report)
    parsed = Page((tmp_path / "report.html").read_text())
    assert len(parsed.all("img")) == 3
    assert all((image["src"] or "").startswith("data:image/png") for image in parsed.all("img"))
    assert "Of 8 columns, the 2 with the largest distance beyond the floor are drawn." in parsed.text


def test_a_failed_write_leaves_the_old_page(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    report = make(table(2))
    with pytest.raises(KeyError):
        write_report(path, dataclasses.replace(report, synthetic=report.synthetic.drop_columns(["size"])))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("distance", "floor", "words"),
    [
        (0.019, 0.02, "within noise"),
        (0.039, 0.02, "within noise"),
        (0.045, 0.02, "close"),
        (0.08, 0.02, "off"),
        (0.18, 0.02, "far off"),
        (0.43, 0.4, "within noise"),
        (0.46, 0.4, "off"),
        (1.0, 0.74, "far off"),
    ],
)
def test_verdict_of_a_distance(distance: float, floor: float, words: str) -> None:
    assert verdict(distance, floor) == words


def test_worst_puts_the_largest_excess_first_and_takes_the_median_floor() -> None:
    rows = worst({"a": 0.5, "b": 0.3, "c": 0.03}, {"a": 0.45, "b": 0.02, "c": 0.0})
    assert [row[0] for row in rows] == ["b", "a", "c"]
    assert rows[2] == ("c", 0.03, 0.0, "within noise")


def test_a_perfect_generator_is_within_noise() -> None:
    report = make(table(5), scored(0.7, 0.9, 0.9))
    assert headline(report).tone == "good"
    text = told(report)
    assert "good: All 8 columns are within noise." in text
    assert "far off" not in text
    assert "bad:" not in text
    assert "good: The score ended within 0.01 of its best, 0.900 at step 2,000." in text


def test_a_bad_generator_is_told_with_its_numbers() -> None:
    report = make(table(2, shift=1.5, gone=True), scored(0.7, 0.9, 0.8))
    assert headline(report).tone == "bad"
    assert headline(report).text.startswith("Unlike the real table")
    text = told(report)
    value, low = report.against_holdout.columns["maybe"], report.floor.columns["maybe"]
    assert f"maybe {value:.3f} (real rows {low:.3f}, far off)" in text
    pair = ("size", "twice $x^2$")
    value, low = report.against_holdout.pairs[pair], report.floor.pairs[pair]
    assert f"{PAIR.join(pair)} {value:.3f} (real rows {low:.3f}, far off)" in text
    assert "bad: maybe: every synthetic value is missing." in text
    assert "note: The score got worse after its best step: 0.900 at step 2,000, 0.800 at step 3,000." in text


def test_overall_verdict_follows_the_means() -> None:
    report = make(table(2))
    floor = Fidelity({"size": 0.01, "flag": 0.01}, {("size", "flag"): 0.01})

    def tone_of(size: float, flag: float) -> tuple[str, str]:
        found = Fidelity({"size": size, "flag": flag}, {("size", "flag"): 0.01})
        said = headline(dataclasses.replace(report, against_holdout=found, floor=floor))
        return said.tone, said.text

    assert tone_of(0.01, 0.01)[1].startswith("Within noise")
    assert tone_of(0.04, 0.04)[1].startswith("Close to the real table")
    assert tone_of(0.08, 0.0) == (
        "note",
        "Close to the real table on average, but beyond noise in 1 of 2 columns and 0 of 1 pair of columns.",
    )
    assert tone_of(0.1, 0.1)[1].startswith("Recognisable, but inaccurate on average")
    assert tone_of(0.5, 0.5)[0] == "bad"


def test_the_limits_are_always_said() -> None:
    for synthetic in (table(5), table(2, shift=1.5)):
        text = told(make(synthetic))
        assert "Losses say nothing about quality" in text
        assert "no proof of privacy" in text
        assert "was not tracked during training" in text


def test_a_rising_score_says_that_more_steps_may_help() -> None:
    assert "more steps may still help" in told(make(table(5), scored(0.7, 0.8, 0.9)))


@pytest.mark.usefixtures("one_figure")
@pytest.mark.parametrize(("status", "word"), [("diverged", "diverged"), ("interrupted", "interrupted")])
def test_a_run_that_did_not_end_well_says_so_first(tmp_path: Path, status: str, word: str) -> None:
    history = [{"step": 1, "loss/generator": float("nan"), "loss/discriminator": None}]
    report = make(table(5), history, status=status)
    assert headline(report).tone == ("bad" if status == "diverged" else "note")
    assert headline(report).text.startswith(f"The run {'was ' if status == 'interrupted' else ''}{word}")
    assert word in sentences(report)[0].text
    assert sentences(report)[0].tone == "bad"
    write_report(tmp_path / "report.html", report)
    parsed = Page((tmp_path / "report.html").read_text())
    assert headline(report).text in parsed.text
    assert "Too few steps were recorded for curves." in parsed.text
    assert "No evaluation took place" in parsed.text


def test_missing_shares_that_differ_are_told() -> None:
    synthetic = table(5)
    holes = pa.array([None if i % 4 == 0 else i / ROWS for i in range(ROWS)])
    text = told(make(synthetic.set_column(0, "size", holes)))
    assert "bad: size: 25.0% of the synthetic values are missing, 0.0% of the real ones." in text


@pytest.mark.parametrize(("seconds", "text"), [(8.44, "8.4 s"), (725, "12 min 5 s"), (12_000, "3 h 20 min")])
def test_duration_for_a_reader(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_table_of_one_column_has_a_page(tmp_path: Path) -> None:
    one = pa.table({"only": [1.5, 2.25, None, 4.0] * 10})
    schema = detect(one)
    none = Reference(one, schema).compare(one)
    report = dataclasses.replace(make(table(5)), schema=schema, training=one, synthetic=one)
    report = dataclasses.replace(report, against_training=none, against_holdout=none, floor=none)
    write_report(tmp_path / "report.html", report)
    assert "The column is within noise." in Page((tmp_path / "report.html").read_text()).text
    assert "Worst pairs" not in (tmp_path / "report.html").read_text()


def test_importing_the_page_loads_no_plotting() -> None:
    code = "import sys, gans.report.page; print([n for n in ('matplotlib', 'jinja2', 'pandas') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def drawn(page_text: str) -> list[str]:
    """The figures of a page, as SVG."""
    images = [image["src"] or "" for image in Page(page_text).all("img")]
    return [base64.b64decode(image.split(",", 1)[1]).decode() for image in images if "svg+xml" in image]


def texts_of(svg: str) -> str:
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def kept_run(**summary: object) -> RunResults:
    """A run whose generator was chosen by detection, at another step than that of the best score."""
    history = [
        row | {"holdout/detection": value} for row, value in zip(scored(0.7, 0.9, 0.8), (0.5, 0.6, 0.7), strict=True)
    ]
    kept = {"kept": {"seed": 7, "step": 3000, "value": 0.7, "by": "detection"}, "refine_seconds": 2.0}
    return make(table(2, shift=1.5), history, **kept, **summary)


@pytest.mark.usefixtures("one_figure")
def test_the_first_screen_answers_and_names_the_command_for_what_is_not_known(tmp_path: Path) -> None:
    folder = tmp_path / "my run"
    folder.mkdir()
    write_report(folder / "report.html", make(table(5)))
    written = (folder / "report.html").read_text()
    parsed = Page(written)
    assert parsed.classes("reply") == [["unknown"], ["good"], ["unknown"]]
    before = parsed.text[: parsed.text.index("Why: what is good")]
    for text in (*QUESTIONS, "Within noise", "Score 0.9"):
        assert text in before
    assert before.count(f'gans evaluate "run={folder.as_posix()}"') == 2
    assert written.index('id="answers"') < written.index("<nav")


@pytest.mark.usefixtures("one_figure")
def test_an_evaluation_renews_the_first_screen(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", make(table(5)))
    found = Evaluation("standard", {"synthetic": 400, "real": 400, "test": 400}, "flag")
    found.scores = {
        "unseen_score": Score(0.62, 0.55, 0.7), "unseen_overfit": Score(0, -0.1, 0.1),
        "unseen_columns": Score(0.1), "unseen_joint": Score(0.28),
        "tstr": Score(0.55, 0.5, 0.6), "trtr": Score(0.9, 0.88, 0.92),
    }  # fmt: skip
    found.details["unseen rows"] = {"rows of each side": 400, "training rows": 0.95, "independent columns": 0.2}
    for _ in range(2):  # a second one takes the place of the first
        write_evaluation(tmp_path, found, [])
        parsed = Page((tmp_path / "report.html").read_text())
        assert parsed.classes("reply") == [["unknown"], ["bad"], ["note"]]
        first = parsed.text[: parsed.text.index("Why: what is good")]
        assert "Within noise" in first  # what the run said of itself stays
        assert "NOT USEFUL: a model of flag has AUC 0.550" in first
        assert "score 0.620 (0.550 to 0.700)" in first
        assert "Not tested yet" not in first
    hostile = [{"tone": "<b>", "text": "x"}]
    page_text = (tmp_path / "report.html").read_text()
    page_text = re.sub("data-run='[^']*'", lambda _: f"data-run='{json.dumps(hostile)}'", page_text)
    (tmp_path / "report.html").write_text(page_text)
    write_evaluation(tmp_path, found, [])
    replies = (tmp_path / "report.html").read_text().split(REPLIES_START)[1].split(REPLIES_END)[0]
    assert "<b>" not in replies


def evaluated(**scores: float) -> Evaluation:
    found = Evaluation("standard", {"synthetic": 400, "real": 400, "test": 400})
    found.scores = {name: Score(value, value, value) for name, value in scores.items()}
    found.scores |= {"shape_error": Score(4.18, real=1.0), "trend_error": Score(6.0, real=2.0)}
    found.details["unseen rows"] = {"rows of each side": 400, "training rows": 0.95, "independent columns": 0.2}
    return found


def test_rows_that_are_detected_are_not_said_to_resemble_the_table() -> None:
    unseen = {"unseen_score": 0.117, "unseen_overfit": 0.0, "unseen_columns": 0.8, "unseen_joint": 0.0}
    for scores, start in ((unseen, "DETECTED: score 0.117"), ({"xgb_c2st": 0.2}, "DETECTED: a boosted classifier")):
        _, resemblance, real = evaluated_replies(evaluated(**scores))
        assert (resemblance.answer, real.answer) == ("Not enough", "Not real enough")
        assert resemblance.reasons[0].startswith(start)
        assert real.reasons[0].startswith(start)
    _, resemblance, real = evaluated_replies(evaluated(xgb_c2st=0.97))  # which says nothing of unseen rows
    assert (resemblance.answer, real.answer) == ("In part", "Not tested")


def test_an_attack_that_succeeds_is_said_beside_the_guarantee() -> None:
    guarantee, found = {"epsilon": 1.0, "delta": 1e-5}, evaluated()
    share = evaluated_replies(found, guarantee=guarantee)[0]
    assert (share.tone, share.answer, len(share.reasons)) == ("good", "Yes, by a guarantee", 1)
    found.scores["exact_copies"] = Score(0.5, 0.4, 0.6, 0.0)
    found.details["exact copies beyond real rows"] = (0.5, 0.4, 0.6)
    share = evaluated_replies(found, guarantee=guarantee)[0]
    assert (share.tone, share.answer) == ("note", "Yes, by a guarantee")
    assert share.reasons[0] == "Differential privacy for each row: epsilon 1, delta 1e-05."
    assert share.reasons[1].startswith("50.00% of the rows equal a training row")
    assert share.reasons[2].startswith("An attack succeeds in spite of the guarantee.")


def test_headline_and_body_count_the_same(written: str) -> None:
    report = make(table(2, shift=1.5, gone=True), scored(0.7, 0.9, 0.8))
    counts = re.search(r"beyond noise in (\d+) of (\d+) columns and (\d+) of (\d+) pairs", headline(report).text)
    assert counts
    columns, of_columns, pairs, of_pairs = map(int, counts.groups())
    text = told(report)
    assert f"{columns} columns are beyond noise" in text
    assert f"{pairs} pairs of columns are beyond noise" in text
    assert f"{of_pairs - pairs} of {of_pairs} pairs of columns are within noise" in text
    table_of_columns = written[written.index('<section id="columns">') :].split("</table>")[0]
    assert table_of_columns.count("<tr><th") == of_columns + 1
    assert of_columns - table_of_columns.count("within-noise") == columns
    assert 0 < columns < of_columns
    assert 0 < pairs < of_pairs


@pytest.mark.usefixtures("one_figure")
def test_curves_mark_the_step_that_was_kept(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", kept_run())
    page_text = (tmp_path / "report.html").read_text()
    parsed = Page(page_text)
    section = parsed.text[parsed.text.index("Held-out score over time") :]
    assert "the generator at step 3,000, for its detection score of 0.700" in section
    assert "slightly optimistic" in section
    assert "The rows were refined after training" in section
    assert "best detection score, 0.700, rows refined" in parsed.text
    marked = [texts_of(svg) for svg in drawn(page_text) if "kept: step" in svg]
    assert len(marked) == 3  # the score, the distances, detection
    assert all("kept: step 3,000" in text for text in marked)
    assert sum("kept: step 3,000, 0.700" in text for text in marked) == 1  # a dot on the score that chose
    assert "2,000, 0.9" not in " ".join(marked)  # the best value of another score is not marked


@pytest.mark.usefixtures("one_figure")
def test_of_several_seeds_the_curves_are_those_of_the_kept_one() -> None:
    history = [
        {"step": step, "holdout/score": 0.5, "seed7/holdout/score": 0.4, "seed8/holdout/score": value}
        for step, value in ((1000, 0.6), (2000, 0.8))
    ]
    best = [{"seed": 7, "step": 1000, "value": 0.4}, {"seed": 8, "step": 2000, "value": 0.8}]
    report = make(table(2), history, kept={"seed": 8, "step": 2000, "value": 0.8, "by": "score"}, scores={"best": best})
    kept = kept_generator(report)
    assert kept is not None
    assert [row["holdout/score"] for row in kept.own(report.history)] == [0.6, 0.8]
    assert "of seed 8" in kept.words()
    assert "no score chose" in dataclasses.replace(kept, by="last", value=None).words()


def test_texts_of_figures_can_be_read_on_a_phone(written: str) -> None:
    outside = written[: written.index('class="scroll matrices"')], written[written.index('id="sample"') :]
    figures = [svg for part in outside for svg in drawn_in(part)]
    assert len(figures) > 10
    for svg in figures:
        width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])  # pyright: ignore[reportOptionalSubscript]
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
        assert min(sizes) * 340 / width > 9.5, texts_of(svg)


def drawn_in(part: str) -> list[str]:
    return [base64.b64decode(found).decode() for found in re.findall(r'"data:image/svg\+xml;base64,([^"]*)"', part)]


def test_pages_and_figures_have_dark_colours(written: str) -> None:
    assert "prefers-color-scheme: dark" in written
    for svg in drawn(written):
        rules = svg[svg.index("prefers-color-scheme:dark") :].split("</style>")[0]
        for kind, color in set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", svg.split("</style>")[1])):
            assert f'[style*="{kind}: {color}"]' in rules
