"""Every text of pages, charts and sentences is said in both languages, with the same values in it."""

import ast
import re
import string
import threading
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

import gans
from gans.config.compose import compose
from gans.data.events.logs import LOGS
from gans.data.personal.kinds import KINDS
from gans.data.schema import KINDS as COLUMN_KINDS
from gans.errors import UserError
from gans.evaluation.metrics import all_metrics
from gans.privacy.entry import SUBSAMPLED
from gans.privacy.ledger import NEIGHBOURS
from gans.report.figures import CHINESE_FONTS
from gans.report.private_page import MECHANISMS
from gans.runs.saved import language_of
from gans.training.loop import COMPLETED, DIVERGED, INTERRUPTED
from gans.words import CHINESE, catalogue, in_language, kept_language, language, say

ROOT = Path(gans.__file__).parent
TEMPLATES = sorted((ROOT / "report").glob("*.jinja"))
SPOKEN = [  # modules whose sentences all go through the catalogue
    *sorted((ROOT / "findings").glob("*.py")),
    *sorted((ROOT / "report").glob("*.py")),
    *(ROOT / "comparison" / f"{name}.py" for name in ("figures", "page", "tables")),
    *(ROOT / "decisions" / f"{name}.py" for name in ("marketing", "product", "release", "research", "risk")),
]
ENGLISH_ONLY = {"croissant.py"}  # metadata for catalogues
NO_SENTENCES = {  # literals of four words or more that nobody reads
    "a little is revealed",
    "given away by columns",
    "given away by pairs",
    "@media screen and (prefers-color-scheme:dark){text{fill:",
    "'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei'",
    *CHINESE_FONTS,
}
SPEAKERS = {"say", "mark"}
SILENT = {"UserError", "ValueError", "KeyError", "TypeError", "info", "warning", "get", "compile"}


def named(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def first_texts(argument: ast.expr) -> list[str]:
    every = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
    return [one.value for one in every if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def said_in_code() -> Iterator[str]:
    for path in ROOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "gans.words import" in text else ():
            if isinstance(node, ast.Call) and named(node) in SPEAKERS and node.args:
                yield from first_texts(node.args[0])


def said_in_templates() -> Iterator[str]:
    environment = jinja2.Environment(autoescape=True)
    for path in TEMPLATES:
        for call in environment.parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "say":
                first = call.args[0]
                every = [first.expr1, first.expr2] if isinstance(first, nodes.CondExpr) else [first]
                yield from (one.value for one in every if isinstance(one, nodes.Const))


def said_by_name() -> Iterator[str]:
    """What code says of a name that it is given."""
    yield from (score.title for one in all_metrics().values() for score in one.scores.values())
    yield from (kind.label for kind in KINDS.values())
    yield from (COMPLETED, DIVERGED, INTERRUPTED, NEIGHBOURS, *COLUMN_KINDS, *LOGS)


def every_text() -> set[str]:
    return {*said_in_code(), *said_in_templates(), *said_by_name()}


def values(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_the_catalogue_has_every_text_and_no_other() -> None:
    texts, chinese = every_text(), catalogue(CHINESE)
    assert len(texts) > 700
    assert sorted(texts - set(chinese)) == []
    assert sorted(set(chinese) - texts) == []


def test_a_text_has_the_same_values_in_both_languages() -> None:
    wrong = {text: found for text, found in catalogue(CHINESE).items() if values(text) != values(found)}
    assert wrong == {}


def test_a_percent_sign_follows_its_number() -> None:
    texts = [text for pair in catalogue(CHINESE).items() for text in pair]
    assert sum("%" in text for text in texts) > 50
    assert [text for text in texts if re.search(r"[\d}] %", text)] == []


def test_a_signed_difference_is_no_negative_zero() -> None:
    signed = [text for pair in catalogue(CHINESE).items() for text in pair if ":+" in text]
    assert signed
    assert [text for text in signed if re.search(r":\+(?!z)", text)] == []


def test_chinese_texts_are_chinese() -> None:
    def chinese(text: str) -> bool:
        return any(ord(letter) > 0x2E7F for letter in text)

    signs = [text for text, found in catalogue(CHINESE).items() if not chinese(found)]
    assert {text for text in signs if len(text.split()) > 3} <= {"{n:,} of {every}", "{columns} and {pairs}"}


def outside(path: Path) -> list[str]:
    """Literals of four words or more that nobody says, but for docstrings, errors, the log and keys."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    free: set[int] = set()
    for node in ast.walk(tree):
        silent: list[ast.AST] = []
        if isinstance(node, ast.Call) and named(node) in SPEAKERS | SILENT:
            silent = list(node.args)
        elif isinstance(node, ast.Subscript):
            silent = [node.slice]
        elif isinstance(node, ast.Dict):
            silent = [key for key in node.keys if key is not None]
        elif (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or isinstance(node, ast.Compare):
            silent = [node]
        free |= {id(inner) for one in silent for inner in ast.walk(one)}
    found = [one for one in ast.walk(tree) if isinstance(one, ast.Constant) and id(one) not in free]
    texts = [one.value for one in found if isinstance(one.value, str)]
    return [text for text in texts if len(text.split()) > 3]


@pytest.mark.parametrize("path", SPOKEN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_sentence_is_written_beside_the_catalogue(path: Path) -> None:
    if path.name not in ENGLISH_ONLY:
        assert set(outside(path)) <= NO_SENTENCES


def test_the_mechanisms_of_a_ledger_are_said() -> None:
    assert SUBSAMPLED in MECHANISMS


def test_an_unknown_language_is_one_error() -> None:
    with pytest.raises(UserError, match=r"^language=fr: allowed are en, zh\.$"), in_language("fr"):
        pass


def test_a_thread_speaks_its_own_language() -> None:
    heard: dict[str, str] = {}

    with in_language(CHINESE):
        chinese = kept_language(lambda: say("missing"))
        thread = threading.Thread(target=lambda: heard.update(fresh=say("missing"), kept=chinese(), after=language()))
        thread.start()
        thread.join()
        assert say("missing") == "缺失"
    assert heard == {"fresh": "missing", "kept": "缺失", "after": "en"}
    assert language() == "en"


def test_a_text_that_the_catalogue_lacks_stays_as_it_is() -> None:
    with in_language(CHINESE):
        assert say("error of the share of {what}", what="gold") == "error of the share of gold"


def test_values_are_no_templates() -> None:
    assert say("{name}: {level}", name="{level}", level="a{b}") == "{level}: a{b}"


def test_a_run_and_a_command_refuse_an_unknown_language() -> None:
    assert compose(["language=zh"]).language == CHINESE
    with pytest.raises(UserError, match=r"language=fr: allowed are en, zh"):
        compose(["language=fr"])
    assert language_of({"language": CHINESE}) == CHINESE
    assert language_of({}) == "en"
    with pytest.raises(UserError, match=r"language=fr: allowed are en, zh"):
        language_of({"language": "fr"})
