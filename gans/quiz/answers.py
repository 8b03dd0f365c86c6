"""What came back: files of answers, checked strictly and kept in the Parquet file of their quiz."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from gans.artefacts import parse_json, read_bytes, read_json, read_parquet, reading
from gans.errors import UserError
from gans.files import write_table
from gans.locks import locked
from gans.quiz.items import ANSWERS, KEY
from gans.quiz.page import ITEMS, QUIZ

FORMAT = "gans.quiz answers 1"
KEYS = {"format", "quiz", "rater", "language", "answers", "words"}
MOST_BYTES = 2**20
MOST_WORDS = 1000  # letters
PICTURE = "(picture)"
PSEUDONYM = re.compile(r"[\w-]{1,40}")
STORED, RETURNED = "answers.parquet", "returned"
TABLE = pa.schema(
    {name: pa.string() for name in ("rater", "item", "form", "kind", "right", "answer")}
    | {"seconds": pa.float64(), "words": pa.string(), "field": pa.string()}
)
WORDS = "words"  # the kind of a row that holds what gave it away, by field


class AnsweredError(UserError):
    """A rater answers again, otherwise than before."""


@dataclass
class Quiz:
    """A folder of a quiz.

    Attributes:
        facts: of quiz.json.
        items: by id the kind and the right answer of what is to be answered; not the examples.
    """

    folder: Path
    facts: dict[str, Any]
    items: dict[str, tuple[str, str]]

    @classmethod
    def open(cls, path: str | Path, key: str = "report") -> "Quiz":
        """The quiz in a folder.

        Raises:
            UserError: there is no such folder, or no quiz in it, or its files are damaged.
        """
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise UserError(f"{key}={path}: no such folder.")
        if not (folder / QUIZ).is_file():
            raise UserError(f"{key}={path}: it contains no quiz; a quiz has {QUIZ} and {ITEMS}.")
        with reading(folder / QUIZ, "a quiz"):
            facts = read_json(folder / QUIZ)
            if any(not isinstance(facts[name], str) for name in ("quiz", "form", "arm", "run")):
                raise ValueError("quiz, form, arm and run are texts")
            if facts["form"] not in ANSWERS or not all(isinstance(name, str) for name in facts["fields"]):
                raise ValueError(f"form {facts['form']}")
        with reading(folder / ITEMS, "the key of a quiz"):
            key_table = read_parquet(folder / ITEMS)
            if key_table.schema.names != KEY.names:
                raise ValueError(f"its columns are {', '.join(key_table.schema.names)}")
            rows = key_table.select(["item", "kind", "right"]).to_pylist()
        items = {row["item"]: (row["kind"], row["right"]) for row in rows if row["kind"] != "tutorial"}
        return cls(folder, facts, items)

    @property
    def id(self) -> str:
        """What its answers name it by."""
        return self.facts["quiz"]

    @property
    def form(self) -> str:
        """cards or pairs."""
        return self.facts["form"]

    @property
    def raters(self) -> set[str]:
        """Who has answered.

        Raises:
            UserError: the file is damaged.
        """
        return set(self.stored["rater"].to_pylist())

    @property
    def stored(self) -> pa.Table:
        """The answers that were taken so far.

        Raises:
            UserError: the file is damaged.
        """
        path = self.folder / STORED
        if not path.is_file():
            return TABLE.empty_table()
        table = read_parquet(path)
        if table.schema.names != TABLE.names or table.schema.types != TABLE.types:
            raise UserError(f"{path}: not the answers of a quiz; its columns are {', '.join(table.schema.names)}.")
        return table


@dataclass
class Answers:
    """What is known of a quiz: the answers of all raters."""

    quiz: Quiz
    table: pa.Table


def take_returned(quizzes: Sequence[Quiz]) -> list[Answers]:
    """Add the answers-*.json in each folder, and in its folder `returned`, to its answers.parquet.

    All files are read before anything is written. One that was taken before changes nothing.

    Raises:
        UserError: a file is not the answers of that quiz, or a rater answers again, otherwise.
    """
    found = [Answers(quiz, _with_returned(quiz)) for quiz in quizzes]
    if not any(answers.table.num_rows for answers in found):
        named = ",".join(str(quiz.folder) for quiz in quizzes)
        raise UserError(
            f"report={named}: nobody has answered; put the answers-*.json that came back into the folder, or into its "
            f"folder {RETURNED}."
        )
    for answers in found:
        if answers.table.num_rows > answers.quiz.stored.num_rows:
            with locked(answers.quiz.folder, "report"):
                answers.table = _with_returned(answers.quiz)  # a quiz that is served may have got more meanwhile
                write_table(answers.quiz.folder / STORED, answers.table)
    return found


def _with_returned(quiz: Quiz) -> pa.Table:
    """What is stored, and the files that came back."""
    table = quiz.stored
    for path in sorted([*quiz.folder.glob("answers-*.json"), *(quiz.folder / RETURNED).glob("answers-*.json")]):
        with reading(path, "the answers of a quiz"):
            content = read_bytes(path, MOST_BYTES)
        table = added(table, checked(content, str(path), quiz), str(path))
    return table


def added(table: pa.Table, new: pa.Table, name: str) -> pa.Table:
    """The answers with those of another rater; the same ones again change nothing.

    Raises:
        AnsweredError: the rater has answered before, otherwise.
    """
    rater = new["rater"][0].as_py()
    before = table.filter(pa.array([other == rater for other in table["rater"].to_pylist()], pa.bool_()))
    if not before.num_rows:
        return pa.concat_tables([table, new])
    if before.to_pylist() != new.to_pylist():
        raise AnsweredError(f"{name}: rater={rater} has answered this quiz before, and otherwise; each answers once.")
    return table


def checked(content: bytes, name: str, quiz: Quiz) -> pa.Table:
    """The answers of one rater, as rows of answers.parquet.

    Args:
        content: JSON, as the page makes it.
        name: of the file, for messages.

    Raises:
        UserError: it is anything else than one answer of that rater to each item of that quiz.
    """
    try:
        given = parse_json(content)
    except ValueError as error:
        raise UserError(f"{name}: not readable as JSON ({' '.join(str(error).split())[:200]}).") from None

    def wrong(key: str, value: Any, needed: str) -> UserError:
        return UserError(f"{name}: {key}={_short(value)}: {needed}")

    if not isinstance(given, Mapping) or given.get("format") != FORMAT:
        found = given.get("format") if isinstance(given, Mapping) else given
        raise wrong("format", found, f"answers of a quiz have '{FORMAT}'.")
    if set(given) != KEYS:
        odd = sorted(set(given) ^ KEYS)
        raise UserError(f"{name}: {_short(odd[0])}: the keys are {', '.join(sorted(KEYS))}, each once.")
    if given["quiz"] != quiz.id:
        raise wrong("quiz", given["quiz"], f"these are answers of another quiz; this one is {quiz.id}.")
    rater = given["rater"]
    if not isinstance(rater, str) or not PSEUDONYM.fullmatch(rater):
        raise wrong("rater", rater, "a pseudonym has 1 to 40 letters, digits, - or _.")
    rows: dict[str, dict[str, Any]] = {}
    for at, one in enumerate(_rows(given, "answers", {"item", "answer", "seconds"}, name)):
        item, answer, seconds = one["item"], one["answer"], one["seconds"]
        place = f"answers[{at}]"
        if not isinstance(item, str) or item not in quiz.items:
            raise wrong(f"{place}.item", item, "there is no such item in this quiz.")
        if item in rows:
            raise wrong(f"{place}.item", item, "it is answered twice.")
        if answer not in ANSWERS[quiz.form]:
            raise wrong(f"{place}.answer", answer, f"allowed are {', '.join(ANSWERS[quiz.form])}.")
        if not _is_number(seconds) or not 0 <= seconds < math.inf:
            raise wrong(f"{place}.seconds", seconds, "a number of at least 0 is needed.")
        kind, right = quiz.items[item]
        rows[item] = {"item": item, "kind": kind, "right": right, "answer": answer, "seconds": float(seconds)}
    if left := [item for item in quiz.items if item not in rows]:
        raise wrong("answers", f"{len(rows)} items", f"{len(left)} more are not answered, such as {left[0]}.")
    return pa.Table.from_pylist(
        [{"rater": rater, "form": quiz.form} | row for row in [*rows.values(), *_words(given, name, quiz)]], TABLE
    )


def _words(given: Mapping[str, Any], name: str, quiz: Quiz) -> list[dict[str, Any]]:
    """Free words by field; the field is "" for what is of none."""
    out: dict[str, dict[str, Any]] = {}
    fields = [*quiz.facts["fields"], PICTURE, ""]
    for at, one in enumerate(_rows(given, "words", {"field", "words"}, name)):
        field, words = one["field"], one["words"]
        if field not in fields:
            raise UserError(f"{name}: words[{at}].field={_short(field)}: the cards have no such field.")
        if field in out:
            raise UserError(f"{name}: words[{at}].field={_short(field)}: it is there twice.")
        if not isinstance(words, str) or not 0 < len(words) <= MOST_WORDS:
            raise UserError(f"{name}: words[{at}].words={_short(words)}: 1 to {MOST_WORDS} letters are needed.")
        text = words.encode("utf-8", "replace").decode()  # a page may have cut a letter of two halves
        out[field] = {"kind": WORDS, "words": " ".join(text.split()), "field": field}
    return list(out.values())


def _rows(given: Mapping[str, Any], key: str, keys: set[str], name: str) -> list[Mapping[str, Any]]:
    rows = given[key]
    if not isinstance(rows, list):
        raise UserError(f"{name}: {key}={_short(rows)}: a list is needed.")
    for at, row in enumerate(rows):
        if not isinstance(row, Mapping) or set(row) != keys:
            raise UserError(f"{name}: {key}[{at}]={_short(row)}: it must have {', '.join(sorted(keys))}.")
    return rows


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _short(value: Any) -> str:
    """A value of a file that may be hostile: one line of at most 60 printable characters."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value)[:60])
    return text or "''"
