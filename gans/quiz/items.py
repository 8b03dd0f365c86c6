"""The items of a quiz: drawn at random, never picked, under ids that say nothing.

The parts follow HYPE-infinity (Zhou et al., "HYPE: A Benchmark for Human eYe Perceptual Evaluation of Generative
Models", NeurIPS 2019, arXiv:1904.01121), with rows of independent columns for the qualification and hidden controls.
"""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gans.errors import UserError
from gans.quiz.fields import Card, Fields
from gans.quiz.rows import open_pools
from gans.runs.saved import SavedRun
from gans.runs.versions import commit, versions
from gans.streams import host_stream

MAIN, CONTROLS, QUALIFICATION, TUTORIAL = 50, 5, 20, 10  # of MAIN as many real as synthetic ones, or pairs
REAL, SYNTHETIC, LEFT, RIGHT = "real", "synthetic", "left", "right"
ANSWERS = {"cards": (REAL, SYNTHETIC), "pairs": (LEFT, RIGHT)}
KEY = pa.schema(
    {
        "item": pa.string(),
        "form": pa.string(),
        "kind": pa.string(),
        "right": pa.string(),
        "side": pa.string(),
        "values": pa.list_(pa.string()),
        "picture": pa.binary(),
    }
)


@dataclass
class Item:
    """What is answered at once: one card, or two side by side.

    Attributes:
        id: random.
        kind: real, synthetic, pair, control, qualification or tutorial.
        right: the right answer: real or synthetic; of a pair the side of the real card.
    """

    id: str
    kind: str
    right: str
    cards: list[Card]


@dataclass
class DrawnQuiz:
    """The items of a quiz, and what is known of it.

    Attributes:
        facts: what quiz.json holds.
    """

    items: list[Item]
    fields: Fields
    facts: dict[str, Any]

    def part(self, *kinds: str) -> list[Item]:
        """Items of these kinds in the order of their ids, which is a random one."""
        return sorted((item for item in self.items if item.kind in kinds), key=lambda item: item.id)

    def key(self) -> pa.Table:
        """The owner's key, a row for each card."""
        form, rows = self.facts["form"], []
        for item in self.items:
            for side, card in zip(("",) if form == "cards" else (LEFT, RIGHT), item.cards, strict=True):
                given = (item.id, form, item.kind, item.right, side, card.values, card.picture)
                rows.append(dict(zip(KEY.names, given, strict=True)))
        return pa.Table.from_pylist(rows, KEY)

    def lines(self) -> list[str]:
        """What the owner should know, for the terminal."""
        shown = ["a picture"] * bool(self.fields.picture) + self.fields.names
        out = [f"on a card: {', '.join(shown)}"]
        if left_out := self.fields.left_out:
            named = [*left_out][:20]
            more = f" and {len(left_out) - 20} more" if len(left_out) > 20 else ""
            out.append(f"not shown: {', '.join(f'{name} ({left_out[name]})' for name in named)}{more}")
        equal = self.facts["equal_to_training_rows"]
        if equal is not None and any(equal.values()):
            out.append(
                f"left out, since they equal a training row: {equal['test']} held-out and {equal['synthetic']} of "
                f"{self.facts['synthetic_rows']} synthetic rows"
            )
        return out


def draw_quiz(given: Mapping[str, Any]) -> DrawnQuiz:
    """The quiz of a run.

    Args:
        given: run, form, arm and seed; of others test, real, synthetic, trust and data.

    Raises:
        UserError: the run or a table cannot be read, or there are too few rows.
    """
    saved = SavedRun.open(given["run"])
    form, arm, seed = given["form"], given["arm"], given["seed"]
    pairs = form == "pairs"
    half = QUALIFICATION // (1 if pairs else 2)
    examples = TUTORIAL // (1 if pairs else 2)
    needed = {
        "real": MAIN + half + examples + CONTROLS * pairs,
        "other": MAIN + examples * (arm == SYNTHETIC),
        "independent": CONTROLS + half + examples * (arm != SYNTHETIC),
    }
    pools = open_pools(given, saved, needed["real"], needed["other"])
    fields = Fields.choose(saved.schema, pools.real, seed)
    decks = {
        "real": _deck(fields, pools.real, needed["real"], seed, 0),
        "other": _deck(fields, pools.other, needed["other"], seed, 1),
        "independent": iter(_broken(fields, pools.independent, pools.real, needed["independent"])),
    }
    example = "other" if arm == SYNTHETIC else "independent"  # in the other arm an answer would be no answer
    parts = [
        ("", MAIN, "other", True),
        ("control", CONTROLS, "independent", pairs),
        ("qualification", half, "independent", True),
        ("tutorial", examples, example, True),
    ]
    items: list[Item] = []
    rng = host_stream("quiz sides", seed)
    for kind, count, against, with_real in parts:
        others = [next(decks[against]) for _ in range(count)]
        reals = [next(decks["real"]) for _ in range(count * with_real)]
        if pairs:
            items += _pairs(kind or "pair", reals, others, rng)
        else:
            items += [_item(kind or REAL, REAL, card) for card in reals]
            items += [_item(kind or SYNTHETIC, SYNTHETIC, card) for card in others]
    facts = {
        "quiz": secrets.token_hex(8),
        "form": form,
        "arm": arm,
        "seed": seed,
        "run": str(saved.folder.resolve()),
        "run_commit": saved.summary.get("commit"),
        "run_steps": saved.summary.get("steps"),
        "test": given.get("test"),
        "synthetic": given.get("synthetic"),
        "synthetic_rows": pools.synthetic_rows,
        "equal_to_training_rows": pools.equal,
        "fields": fields.names,
        "picture": fields.picture.name if fields.picture else None,
        "not_shown": fields.left_out,
        "counts": {kind: sum(item.kind == kind for item in items) for kind in dict.fromkeys(i.kind for i in items)},
        "versions": versions(),
        "commit": commit(),
    }
    return DrawnQuiz(items, fields, facts)


def _item(kind: str, right: str, *cards: Card) -> Item:
    return Item(secrets.token_hex(6), kind, right, list(cards))


def _pairs(kind: str, reals: list[Card], others: list[Card], rng: np.random.Generator) -> Iterator[Item]:
    """Pairs of a real card and another one, the real one on the left in half of them (of an odd number by a toss)."""
    left = rng.permutation(np.arange(len(reals)) % 2 == rng.integers(2))
    for real, other, first in zip(reals, others, left, strict=True):
        yield _item(kind, LEFT, real, other) if first else _item(kind, RIGHT, other, real)


def _deck(fields: Fields, table: pa.Table, count: int, seed: int, number: int) -> Iterator[Card]:
    """So many rows of a table, drawn without replacement."""
    order = host_stream("quiz rows", seed, number).permutation(table.num_rows)[:count]
    return iter(fields.cards(table.take(pa.array(order))))


def _broken(fields: Fields, independent: pa.Table, real: pa.Table, count: int) -> list[Card]:
    """So many rows of independent columns, none of which looks like a real one.

    Raises:
        UserError: there are too few, as where a table has one field only.
    """
    known = {(tuple(card.values), card.picture) for card in fields.cards(real)}
    cards = [card for card in fields.cards(independent) if (tuple(card.values), card.picture) not in known]
    if len(cards) < count:
        raise UserError(
            f"run: of {independent.num_rows:,} rows of independent columns {len(cards)} look like no held-out row, and "
            f"{count} are needed; a table of so few columns and levels gives people nothing to judge."
        )
    return cards[:count]
