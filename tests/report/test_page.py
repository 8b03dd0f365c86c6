import base64
import dataclasses
import itertools
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
from gans.findings.run import PAIR, duration, headline, sentences, verdict, worst
from gans.report import page
from gans.report.page import write_report
from gans.runs.finish import RunResults

VOID = {"meta", "img", "br"}
SECTIONS = ["trained", "words", "evaluation", "curves", "score", "columns", "pairs", "sample", "use"]
NAME = "<script>alert('n')</script>"
ROWS = 400


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
        config="seed: 0\nname: <b>me</b>\n",
        summary={"status": "completed", "steps": 3000, "seconds": 75.0, "seed": 7, "commit": "abc123"}
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
    for text in ("3,000 in 1 min 15 s", "abc123", "jax 0.9", "seed: 0", "0.6100", "python -m gans.sample run=DIR"):
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
    assert "7 that equal a training row were passed over" in parsed.text
    for value in training["size"].to_pylist():
        assert f"{value:.6g}" not in parsed.text
    shown = [f"{value:.6g}" in parsed.text for value in other["size"].to_pylist()]
    assert shown == [True] * 20 + [False] * (ROWS - 20)


@pytest.mark.usefixtures("one_figure")
def test_a_copied_table_shows_no_sample_row(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", make(table(0)))
    assert (
        "200 that equal a training row were passed over. There are 0."
        in Page((tmp_path / "report.html").read_text()).text
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
    assert "good: The held-out score ended within 0.01 of its best, 0.900 at step 2,000." in text


def test_a_bad_generator_is_told_with_its_numbers() -> None:
    report = make(table(2, shift=1.5, gone=True), scored(0.7, 0.9, 0.8))
    assert headline(report).tone == "bad"
    assert headline(report).text.startswith("Not like the real table")
    text = told(report)
    value, low = report.against_holdout.columns["maybe"], report.floor.columns["maybe"]
    assert f"maybe {value:.3f} (real rows {low:.3f}, far off)" in text
    pair = ("size", "twice $x^2$")
    value, low = report.against_holdout.pairs[pair], report.floor.pairs[pair]
    assert f"{PAIR.join(pair)} {value:.3f} (real rows {low:.3f}, far off)" in text
    assert "bad: maybe: every synthetic value is missing." in text
    assert "bad: The held-out score fell after its best step: 0.900 at step 2,000, 0.800 at step 3,000." in text


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
        "On average close to the real table, but 1 column is off: see which before use.",
    )
    assert tone_of(0.1, 0.1)[1].startswith("Recognisable, but off")
    assert tone_of(0.5, 0.5)[0] == "bad"


def test_the_limits_are_always_said() -> None:
    for synthetic in (table(5), table(2, shift=1.5)):
        text = told(make(synthetic))
        assert "Losses prove nothing" in text
        assert "no proof of privacy" in text
        assert "was not followed during training" in text


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
    assert "No step was recorded." in parsed.text
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
