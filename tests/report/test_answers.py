"""The answer of a use on the terminal and in sentences: lines that fit, and nothing said twice."""

from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from gans.evaluation.results import Evaluation, Score
from gans.findings.answers import BOTH, HIGHER, REAL, SYNTHETIC, Answer, Measured, shown
from gans.findings.privacy import NOT_PRIVATE
from gans.findings.uses import of_privacy
from gans.report.answers import answer_lines, print_answer
from gans.words import CHINESE, ENGLISH, in_language, say


def answer() -> Answer:
    values = {REAL: (0.8432, 0.8211, 0.8654), SYNTHETIC: (0.8312, 0.8011, 0.8554), BOTH: (0.8499, 0.8301, 0.8690)}
    gains = {SYNTHETIC: (-0.012, -0.0303, 0.0061), BOTH: (0.0067, 0.0012, 0.0121)}
    return Answer("risk", "?", "", REAL, [Measured("AUC", HIGHER, values, gains), Measured("lift", HIGHER, values)])


@pytest.mark.parametrize("language", [ENGLISH, CHINESE])
def test_the_lines_of_arms_fit_the_terminal(language: str) -> None:
    with in_language(language):
        wide, narrow = answer_lines(answer(), None), answer_lines(answer(), 60)
        assert len(wide) == 2 * (1 + 3)
        assert max(map(cell_len, wide)) > 60 >= max(map(cell_len, narrow))
        assert "".join("".join(wide).replace(say("; "), "").split()) == "".join("".join(narrow).split())
        below = [line for line in narrow if not line.strip()[0].isdigit() and line.startswith(" " * 10)]
        assert [line.strip() for line in below] == [
            f"{say(verdict)} {shown(gain, signed=True)}"
            for verdict, gain in zip(("no gain", "gain"), answer().measures[0].gains.values(), strict=True)
        ]


def test_no_figure_is_a_negative_zero() -> None:
    assert shown((-0.0001, -0.012, 0.01), signed=True) == "+0.000 (-0.012 to +0.010)"
    assert shown((-0.0001, np.nan, np.nan)) == "0.000"


def test_what_the_verdict_on_privacy_says_is_not_said_again() -> None:
    returned = {name: {"count": 7, "test count": 0, "rows": 100, "test rows": 100, "kind": "email"} for name in "ab"}
    found = Evaluation(
        "standard",
        {},
        scores={"exact_copies": Score(1.0, 0.9, 1.0, 0.0), "real_values": Score(0.07, 0.0, 0.0, 0.0)},
        details={"exact copies beyond real rows": (1.0, 0.9, 1.0), "real values": returned},
    )
    asked = Answer("privacy", "?", "", REAL, [], curves={"evaluation": found})
    said = [one.text for one in of_privacy(asked)]
    for name in "ab":
        assert sum(f"column {name} returns" in text for text in said) == 1
    assert [text for text in said if text.startswith(NOT_PRIVATE)] == [
        "NOT PRIVATE: 100.00% of the rows equal a training row; of fresh real rows 0.00% would."
    ]
    del found.details["real values"]
    verdict, *others = [one.text for one in of_privacy(asked)]
    assert verdict == "No: 100.00% of the rows equal a training row; of fresh real rows 0.00% would."
    assert not any("equal a training row" in text for text in others)


def test_what_cannot_be_decided_comes_with_the_command_that_decides_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = Evaluation("standard", {"test": 60})
    asked = [
        Answer("privacy", "?", "", REAL, [], curves={"evaluation": found, "folder": Path("runs", name)})
        for name in ("my run", "b")
    ]
    verdict, further, *_ = of_privacy(asked[0])
    assert verdict.text.startswith("Cannot be decided: there are too few held-out rows")
    assert "(here 60)" in further.text
    assert further.command == 'gans use scenario=privacy "run=runs/my run" test=unseen.csv'
    several = of_privacy(Answer("privacy", "?", "", REAL, [], runs=asked))[1]
    assert several.command == 'gans use scenario=privacy "run=runs/my run,runs/b" test=unseen.csv'
    asked[0].sentences = [verdict, further]
    print_answer(asked[0])
    assert f"\n          {further.command}\n" in capsys.readouterr().out
    assert asked[0].to_json()["answer"][1]["command"] == further.command
