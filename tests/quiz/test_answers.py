"""Files that come back: taken once, checked strictly, nothing written where one is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gans.errors import UserError
from gans.quiz.answers import Quiz, checked, take_returned


@pytest.fixture
def folder(make: Callable[..., Path]) -> Path:
    """A quiz."""
    return make()


def test_answers_are_kept_with_what_they_were_about(folder: Path, returned: Any, key: Any) -> None:
    given = returned(folder, "anna", "tell_tale", "always 99")
    returned(folder, "李-2", "guess", into=".")
    quiz = Quiz.open(folder)
    take_returned([quiz])
    rows = pq.read_table(folder / "answers.parquet").to_pylist()
    assert {row["rater"] for row in rows} == {"anna", "李-2"}
    mine, known = [row for row in rows if row["rater"] == "anna"], key(folder)
    assert len(mine) == 125 + 1
    for row, said in zip(mine, given["answers"], strict=False):
        card = known[row["item"]][0]
        assert (row["item"], row["answer"], row["seconds"]) == tuple(said.values())
        assert (row["kind"], row["right"], row["form"]) == (card["kind"], card["right"], "cards")
    assert (mine[-1]["kind"], mine[-1]["field"], mine[-1]["words"]) == ("words", "visits", "always 99")
    before = (folder / "answers.parquet").stat().st_mtime_ns
    take_returned([quiz])  # the same files again
    assert (folder / "answers.parquet").stat().st_mtime_ns == before


def change(given: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """With another value at answers.0.item, say."""
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = given
    for part in way:
        place = place[part]
    place[last] = value
    return given


HOSTILE = [
    ("format", "something", "format=something: answers of a quiz have 'gans.quiz answers 1'"),
    ("more", 1, "more: the keys are answers, format, language, quiz, rater, words"),
    ("quiz", "0123456789abcdef", "quiz=0123456789abcdef: these are answers of another quiz"),
    ("quiz", ["x"], "these are answers of another quiz"),
    ("rater", "", "rater='': a pseudonym has 1 to 40"),
    ("rater", "../../etc", "rater=../../etc: a pseudonym"),
    ("rater", "anna\n", r"rater=anna\?: a pseudonym"),
    ("rater", 7, "rater=7: a pseudonym"),
    ("answers", "all", "answers=all: a list is needed"),
    ("answers", [], "answers=0 items: 125 more are not answered"),
    ("answers.0", 5, r"answers\[0\]=5: it must have answer, item, seconds"),
    ("answers.0.item", "ffffffffffff", r"answers\[0\].item=ffffffffffff: there is no such item"),
    ("answers.0.item", {}, r"answers\[0\].item=\{\}: there is no such item"),
    ("answers.3.answer", "maybe", r"answers\[3\].answer=maybe: allowed are real, synthetic"),
    ("answers.3.answer", [], r"answers\[3\].answer=\[\]: allowed are"),
    ("answers.3.seconds", -1, r"answers\[3\].seconds=-1: a number of at least 0"),
    ("answers.3.seconds", float("nan"), r"answers\[3\].seconds=nan"),
    ("answers.3.seconds", float("inf"), r"answers\[3\].seconds=inf"),
    ("answers.3.seconds", True, r"answers\[3\].seconds=True"),
    ("answers.3.seconds", 10**400, r"answers\[3\].seconds=1000"),
    ("words.0.field", "salary", r"words\[0\].field=salary: the cards have no such field"),
    ("words.0.field", ["visits"], r"words\[0\].field=\['visits'\]: the cards have no"),
    ("words.0.words", "x" * 1001, r"words\[0\].words=x+: 1 to 1000 letters"),
    ("words.0.words", "", r"words\[0\].words='': 1 to 1000 letters"),
    (
        "words",
        [{"field": "age", "words": "a"}, {"field": "age", "words": "b"}],
        r"words\[1\].field=age: it is there twice",
    ),
]


def test_hostile_answers_give_one_line_that_names_the_file_and_the_key(folder: Path, returned: Any) -> None:
    quiz = Quiz.open(folder)
    good = json.dumps(returned(folder, "anna", "guess", "odd"))
    assert checked(good.encode(), "a.json", quiz).num_rows == 126
    for path, value, message in HOSTILE:
        content = json.dumps(change(json.loads(good), path, value)).encode()
        with pytest.raises(UserError, match=message) as raised:
            checked(content, "a.json", quiz)
        said = str(raised.value)
        assert said.startswith("a.json: ")
        assert "\n" not in said
        assert len(said) < 300
    twice = json.loads(good)
    twice["answers"][1] = twice["answers"][0]
    with pytest.raises(UserError, match=r"answers\[1\].item=\w+: it is answered twice"):
        checked(json.dumps(twice).encode(), "a.json", quiz)
    for content in (b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(UserError, match=r"^a\.json: "):
            checked(content, "a.json", quiz)


def test_a_bad_file_leaves_everything_as_it_was(folder: Path, returned: Any, command: Any, snapshot: Any) -> None:
    returned(folder, "anna", "guess")
    (folder / "returned" / "answers-zoe-1.json").write_text('{"format": ')
    before = snapshot(folder)
    said = command("quiz", f"report={folder}")
    assert said.status == 2
    assert "answers-zoe-1.json: not readable as JSON" in said.err
    assert said.err.count("\n") == 1
    assert snapshot(folder) == before


def test_a_rater_answers_once(folder: Path, returned: Any, command: Any) -> None:
    returned(folder, "anna", "guess")
    assert command("quiz", f"report={folder}").status == 0
    given = returned(folder, "anna", "always_real")
    said = command("quiz", f"report={folder}")
    assert said.status == 2
    assert "rater=anna has answered this quiz before, and otherwise" in said.err
    rows = pq.read_table(folder / "answers.parquet")
    assert rows.num_rows == len(given["answers"])


def test_a_file_that_is_too_large_is_not_read(folder: Path, returned: Any, command: Any) -> None:
    returned(folder, "anna", "guess")
    (folder / "answers-big.json").write_bytes(b" " * 2_000_000)
    said = command("quiz", f"report={folder}")
    assert said.status == 2
    assert "it has 2,000,000 bytes" in said.err
