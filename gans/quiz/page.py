"""The page of a quiz as one file, and the owner's files beside it."""

import base64
import json
from pathlib import Path
from typing import Any

from gans.files import write_table, write_text
from gans.quiz.items import MAIN, DrawnQuiz, Item

FOLDER = Path(__file__).parent / "page"
WORDS = ("en", "zh")
QUIZ, ITEMS, PAGE = "quiz.json", "items.parquet", "quiz.html"


def write_quiz(folder: Path, quiz: DrawnQuiz, language: str) -> Path:
    """Write quiz.html, items.parquet and quiz.json; the path of the page."""
    write_table(folder / ITEMS, quiz.key())
    write_text(folder / QUIZ, json.dumps(quiz.facts | {"language": language}, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / PAGE, page(quiz, language))
    return folder / PAGE


def page(quiz: DrawnQuiz, language: str) -> str:
    """The page as HTML. It asks for nothing from elsewhere, and holds no right answer but those of the examples."""
    words = {name: json.loads(_read(f"words.{name}.json")) for name in WORDS}
    data = {
        "quiz": quiz.facts["quiz"],
        "form": quiz.facts["form"],
        "language": language,
        "fields": quiz.fields.names,
        "half": MAIN,
        "tutorial": [_shown(item) | {"right": item.right} for item in quiz.part("tutorial")],
        "qualification": [_shown(item) for item in quiz.part("qualification")],
        "main": [_shown(item) for item in quiz.part("real", "synthetic", "pair", "control")],
    }
    text = _read("quiz.html")
    for mark, part in (
        ("<!--style-->", f"<style>\n{_read('quiz.css')}</style>"),
        ("<!--script-->", f"<script>\n{_read('quiz.js')}</script>"),
        ("<!--data-->", _json("words", words) + _json("data", data)),  # last: its texts are the table's
    ):
        text = text.replace(mark, part, 1)
    return text


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _json(name: str, value: Any) -> str:
    """Data for the script. Texts of the table may hold anything, `</script>` too."""
    text = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def _shown(item: Item) -> dict[str, Any]:
    """An item without what it is."""
    return {
        "item": item.id,
        "cards": [{"values": card.values, "picture": _address(card.picture)} for card in item.cards],
    }


def _address(picture: bytes | None) -> str | None:
    return None if picture is None else f"data:image/png;base64,{base64.b64encode(picture).decode()}"
