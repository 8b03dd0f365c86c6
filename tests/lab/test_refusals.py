"""Refusals: every one that is raised has its words in both languages, with the values that go into them."""

import ast
import json
import string
from pathlib import Path

import gans.lab
from gans.errors import UserError
from gans.lab.page import page_files
from gans.lab.refusals import LONGEST, RefusedError, told

ROOM = Path(gans.lab.__file__).parent


def words(language: str) -> dict[str, str]:
    return json.loads(page_files()[f"/words.{language}.json"][1])


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def raised() -> dict[str, set[str]]:
    """By key the names of the values that a refusal is raised with."""
    out: dict[str, set[str]] = {}
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RefusedError":
                keys = node.args[0]
                names = {keyword.arg for keyword in node.keywords if keyword.arg}
                if any(keyword.arg is None for keyword in node.keywords):
                    names |= {"objective", "penalty"}  # of a setting, given as **chosen
                found = [keys.value] if isinstance(keys, ast.Constant) else ["number", "whole"]
                out |= dict.fromkeys(map(str, found), names)
    return out


def test_every_refusal_has_its_words_in_both_languages() -> None:
    english, chinese, found = words("en"), words("zh"), raised()
    assert {f"refused_{key}" for key in found} == {key for key in english if key.startswith("refused_")}
    for key, names in found.items():
        assert gaps(english[f"refused_{key}"]) == gaps(chinese[f"refused_{key}"]) == names, key
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese[f"refused_{key}"]), key


def test_what_a_page_sent_is_cut_and_other_errors_are_quoted_whole() -> None:
    refusal = RefusedError("choice", name="do", value="x" * 1000, allowed="a")
    assert len(refusal.values["value"]) == LONGEST
    assert str(refusal) == f"do={'x' * (LONGEST - 3)}...: allowed are a."
    assert told(refusal) == {"key": "choice", "values": refusal.values}
    long = "the memory is full, " * 10
    assert told(UserError(long)) == {"key": "other", "values": {"message": long}}
