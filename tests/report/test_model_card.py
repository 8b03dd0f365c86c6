"""The model card: what it says of a run, that it can be read, and that an evaluation changes its part of it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gans.data.schema import Column, Schema
from gans.evaluation.results import Evaluation, Score
from gans.findings.model_card import LICENCE, UNTESTED
from gans.findings.privacy import LIMITS
from gans.findings.sentence import Sentence
from gans.report.model_card import END, START, Card, update_card
from gans.runs.files import RunFiles

CONFIG = """
components: {data: table, network: mlp, objective: minimax, refine: none}
name: mine
data: {path: /home/somebody/secret place/customers.csv}
trainer: {seeds: 1}
"""
SUMMARY = {
    "status": "completed",
    "steps": 2000,
    "seconds": 61.4,
    "seed": 3,
    "rows": {"training": 900, "holdout": 100},
    "scores": {
        "holdout": {"score": 0.91},
        "floor": {"score": 0.95},
        "best": [{"seed": 3, "step": 1500, "value": 0.92}],
    },
    "versions": {"gans": "0.1.0", "jax": "0.10"},
}


def front_matter(text: str) -> dict[str, Any]:
    _, front, _ = text.split("---\n", 2)
    return yaml.safe_load(front)


def written(folder: Path, *columns: Column, **changes: Any) -> str:
    settings: dict[str, Any] = {
        "name": "mine",
        "config": CONFIG,
        "summary": SUMMARY,
        "schema": Schema(list(columns) or [Column(name="age", kind="integer", type="int64")]),
        "found": [Sentence("good", "Close to the table."), Sentence("note", "Only pairs are measured.")],
        "private": False,
    }
    Card(**{**settings, **changes}).write(RunFiles(folder))
    return (folder / "model_card.md").read_text()


def test_a_card_has_data_use_training_scores_privacy_limits_and_licence(tmp_path: Path) -> None:
    plan = Column(name="plan", kind="category", type="string", levels=4)
    mail = Column(name="mail", kind="text", type="string", role="dropped", reason="e-mail addresses")
    text = written(tmp_path, plan, mail)
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "Data", "Intended use", "Training", "Scores after training", "Evaluation", "Privacy",
        "What the run found, and its limits", "Licence",
    ]  # fmt: skip
    assert front_matter(text)["library_name"] == "gans"
    assert "mine" in front_matter(text)["tags"]
    for part in (
        "**Close to the table.**",
        "900 training rows, 100 held-out rows",
        "| plan | category, 4 levels | learned |",
        "| mail | text | left out: e-mail addresses |",
        "| steps | 2,000, of which step 1,500 was kept",
        "| 0.9100 | 0.9500 | higher |",
        "gans 0.1.0, jax 0.10",
        "Only pairs are measured.",
        LICENCE,
        UNTESTED,
    ):
        assert part in text


def test_a_card_names_the_file_but_not_the_folder_of_the_table(tmp_path: Path) -> None:
    text = written(tmp_path)
    assert "the file customers.csv" in text
    assert "somebody" not in text
    assert "in memory" in written(tmp_path, given=True)
    logs = "components: {data: histories}\ndata: {orders: /home/somebody/orders.csv, customers: who.csv}\n"
    assert "- Source: orders.csv and who.csv.\n" in written(tmp_path, config=logs)


def test_names_of_columns_are_shown_as_they_are(tmp_path: Path) -> None:
    evil = Column(name="a|b\n# `x` <!-- evaluation --> [y](z)", kind="integer", type="int64")
    text = written(tmp_path, evil)
    assert r"| a\|b # \`x\` \<!-- evaluation --\> \[y\](z) | integer | learned |" in text
    assert text.count(START) == text.count(END) == 1


def test_an_evaluation_takes_its_place(tmp_path: Path) -> None:
    before = written(tmp_path)
    evaluation = Evaluation(
        "fast", {"real": 900, "synthetic": 900}, scores={"exact_copies": Score(0.0, 0.0, 0.01, 0.0)}
    )
    evaluation.details["exact copies beyond real rows"] = (0.0, 0.0, 0.0)
    rows = {"privacy": [("exact copies", "0", "0 to 0.01", "", "0", "900")]}
    for _ in range(2):
        update_card(RunFiles(tmp_path), rows, evaluation)
        text = (tmp_path / "model_card.md").read_text()
        assert "| exact copies | 0 | 0 to 0.01 |  | 0 | 900 |" in text
        assert LIMITS in text
        assert UNTESTED not in text
        assert text.split(START)[0] == before.split(START)[0]
        assert text.split(END)[1] == before.split(END)[1]


def test_where_there_is_no_card_none_is_written(tmp_path: Path) -> None:
    update_card(RunFiles(tmp_path), {}, None)
    assert list(tmp_path.iterdir()) == []


def test_a_private_card_has_the_guarantee_and_nothing_that_was_measured(tmp_path: Path) -> None:
    summary = {**SUMMARY, "rows": {"estimated": 1010}, "scores": {}}
    text = written(tmp_path, summary=summary, private=True, found=[Sentence("good", "Epsilon 1.")])
    assert "**Epsilon 1.**" in text
    assert "About 1,010 rows, counted with noise" in text
    assert "differential-privacy" in front_matter(text)["tags"]
    assert "seconds" not in text
    assert START not in text


def test_train_writes_it_and_evaluate_updates_it(finished: Any, command: Callable[..., Any], tmp_path: Path) -> None:
    shutil.copytree(finished.path, tmp_path / "run")
    card = tmp_path / "run" / "model_card.md"
    before = card.read_text()
    assert "| segment | category, 3 levels | learned |" in before
    assert "the file table.parquet" in before
    assert UNTESTED in before
    done = command("evaluate", "run=run", "metrics=fast")
    assert done.status == 0, done.err
    assert "| exact copies of training rows |" in card.read_text()
    assert UNTESTED not in card.read_text()


@pytest.mark.parametrize("name", ["model_card.md.jinja", "model_card_evaluation.md.jinja"])
def test_every_value_is_escaped(name: str) -> None:
    """What comes from a table goes through `plain`; the rest are numbers and sentences of this package."""
    from gans.report import templates

    text = (Path(templates.__file__).parent / name).read_text()
    for value in ("column", "kind", "use", "title", "sentence.text", "data", "row[0]"):
        assert f"{{{{ {value} }}}}" not in text
