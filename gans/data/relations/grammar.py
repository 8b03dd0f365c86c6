"""The grammar of relations. Nothing is evaluated.

    education -> education-num                          each value on the left has one on the right
    start <= end                                        also end >= start
    total = a + b - c
    square = value ^ 2, fahrenheit = 1.8 * celsius + 32
    payment ~ bill                                      often the very same
    spent / orders                                      a total, learned as its average
    if participant == 'yes' then eligible == 'yes'      also !=, in ('x', 'y') and not in ('x', 'y')

Column names with spaces or signs go in backticks; a backtick in them is written twice.
"""

import re
from typing import Any

from gans.data.relations.average import Average
from gans.data.relations.base import KEY, PLAIN_NAME, Relation
from gans.data.relations.exclusions import Exclusion
from gans.data.relations.formula import Formula
from gans.data.relations.functional import Functional
from gans.data.relations.order import Order
from gans.data.relations.sameness import Sameness
from gans.data.relations.sums import Sum
from gans.errors import UserError

TOKEN = re.compile(
    rf"\s*(?:(?P<quoted>`(?:[^`]|``)+`)|(?P<name>{PLAIN_NAME.pattern})"
    r"|(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<sign>->|<=|>=|==|!=|[-=+*/^(),~]))"
)
EXAMPLES = (
    "allowed are a -> b, a <= b, total = a + b - c, b = 2 * a + 1, b = a ^ 2, a ~ b, total / count, "
    "if a == 'x' then b == 'y'; column names with spaces or signs go in backticks"
)
CONSTANTS = {"true": True, "false": False, "null": None}


class _Tokens:
    """The tokens of a text, read from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, place = text, [], 0
        while place < len(text.rstrip()):
            match = TOKEN.match(text, place)
            if not match:
                raise self.wrong(f"cannot read {text[place:].strip()!r}")
            self.tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            place = match.end()

    def wrong(self, what: str) -> UserError:
        return UserError(f"{KEY}: '{self.text}': {what}; {EXAMPLES}.")

    def next_is(self, *words: str) -> bool:
        """Whether the next token is one of these signs or words; a name in backticks is none."""
        return bool(self.tokens) and self.tokens[0][0] in ("sign", "name") and self.tokens[0][1] in words

    def take(self, *words: str) -> str:
        """The next token, which must be one of these."""
        if not self.next_is(*words):
            found = repr(self.tokens[0][1]) if self.tokens else "nothing"
            raise self.wrong(f"{' or '.join(words)} is expected, not {found}")
        return self.tokens.pop(0)[1]

    def column(self) -> str:
        """A column name."""
        if not self.tokens or self.tokens[0][0] not in ("name", "quoted"):
            found = repr(self.tokens[0][1]) if self.tokens else "nothing"
            raise self.wrong(f"a column name is expected, not {found}")
        kind, text = self.tokens.pop(0)
        return text[1:-1].replace("``", "`") if kind == "quoted" else text

    def number(self) -> float:
        """A number without a sign."""
        return float(self.tokens.pop(0)[1])

    def value(self) -> Any:
        """Text in quotes, a number, true, false or null."""
        negative = self.next_is("-") and bool(self.tokens.pop(0))
        kind, text = self.tokens.pop(0) if self.tokens else ("", "nothing")
        if kind == "string" and not negative:
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number":
            value = float(text) if re.search(r"[.eE]", text) else int(text)
            return -value if negative else value
        if kind == "name" and text in CONSTANTS and not negative:
            return CONSTANTS[text]
        raise self.wrong(f"a value is expected, not {text!r}, and text goes in quotes")


def parse_relation(text: str) -> Relation:
    """A relation that is not yet fitted to a table.

    Raises:
        UserError: the text does not follow the grammar.
    """
    tokens = _Tokens(text)
    relation = _exclusion(tokens) if tokens.next_is("if") else _between_columns(tokens)
    if tokens.tokens:
        raise tokens.wrong(f"{tokens.tokens[0][1]!r} is left over")
    columns = relation.columns
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise tokens.wrong(f"column '{twice[0]}' is named twice")
    return relation


def _between_columns(tokens: _Tokens) -> Relation:
    left = tokens.column()
    sign = tokens.take("->", "<=", ">=", "=", "~", "/")
    if sign == "/":
        return Average(total=left, count=tokens.column())
    if sign == "~":
        return Sameness(target=left, source=tokens.column())
    if sign == "->":
        return Functional(source=left, target=tokens.column())
    if sign == "<=":
        return Order(low=left, high=tokens.column())
    if sign == ">=":
        return Order(low=tokens.column(), high=left)
    return _equation(left, tokens)


def _equation(target: str, tokens: _Tokens) -> Relation:
    """target = terms: each a number, or a column, with a number before it or squared."""
    constant, columns, weights, powers = 0.0, [], [], []
    sign = -1.0 if tokens.next_is("-") and tokens.take("-") else 1.0
    while True:
        weight = sign
        if tokens.tokens and tokens.tokens[0][0] == "number":
            weight = sign * tokens.number()
            if not tokens.next_is("*"):
                constant += weight
                weight = 0.0
            else:
                tokens.take("*")
        if weight:
            columns.append(tokens.column())
            weights.append(weight)
            squared = tokens.next_is("^") and bool(tokens.take("^"))
            if squared and (not tokens.tokens or tokens.tokens.pop(0) != ("number", "2")):
                raise tokens.wrong("the only power is ^ 2")
            powers.append(2 if squared else 1)
        if not tokens.next_is("+", "-"):
            break
        sign = 1.0 if tokens.take("+", "-") == "+" else -1.0
    if len(columns) == 1:
        return Formula(target=target, source=columns[0], power=powers[0], slope=weights[0], intercept=constant)
    if not columns:
        raise tokens.wrong("the right side names no column")
    if constant or 2 in powers or any(abs(weight) != 1 for weight in weights):
        raise tokens.wrong("several columns are added or subtracted as they are, without numbers")
    return Sum(total=target, parts=columns, signs=[int(weight) for weight in weights])


def _exclusion(tokens: _Tokens) -> Exclusion:
    tokens.take("if")
    source = tokens.column()
    tokens.take("==")
    value = tokens.value()
    tokens.take("then")
    target = tokens.column()
    sign = tokens.take("==", "!=", "in", "not")
    if sign in ("==", "!="):
        return Exclusion(source=source, value=value, target=target, values=[tokens.value()], among=sign == "==")
    if sign == "not":
        tokens.take("in")
    tokens.take("(")
    values = [tokens.value()]
    while tokens.take(",", ")") == ",":
        values.append(tokens.value())
    return Exclusion(source=source, value=value, target=target, values=values, among=sign == "in")
