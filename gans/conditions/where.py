"""The grammar of `where`: `column == value`, joined by `and`. Nothing is evaluated."""

import re
from typing import Any

from gans.errors import UserError

TOKEN = re.compile(
    r"\s*(?:(?P<name>`[^`]+`|[^\W\d][\w.-]*)|(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<sign>==))"
)
WORDS = {"true": True, "false": False, "null": None}
EXAMPLE = "for example where=\"pension_eligible == 'yes' and age == 40\"; a column name with spaces goes in backticks"


def parse_where(text: str) -> dict[str, Any]:
    """Values by column: text, number, True, False, or None for missing.

    Raises:
        UserError: the text does not follow the grammar, or names a column twice.
    """
    tokens: list[tuple[str, str]] = []
    place = 0
    while place < len(text.rstrip()):
        match = TOKEN.match(text, place)
        if not match:
            raise UserError(f"where: cannot read {text[place:].strip()!r}; {EXAMPLE}.")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        place = match.end()
    fixed: dict[str, Any] = {}
    for start in range(0, len(tokens), 4):
        part = tokens[start : start + 4]
        ends = len(part) == 3 or (len(part) == 4 and part[3] == ("name", "and") and len(tokens) > start + 4)
        if not ends or part[0][0] != "name" or part[1] != ("sign", "=="):
            raise UserError(f"where: {text!r} is not a list of column == value; {EXAMPLE}.")
        name = part[0][1].strip("`")
        if name in fixed:
            raise UserError(f"where: column '{name}' is named twice.")
        fixed[name] = _literal(*part[2])
    return fixed


def _literal(kind: str, text: str) -> Any:
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if kind == "number":
        return float(text) if re.search(r"[.eE]", text) else int(text)
    if kind == "name" and text.lower() in WORDS:
        return WORDS[text.lower()]
    raise UserError(f"where: {text!r} is no value; text goes in quotes, {EXAMPLE}.")
