"""What a quiz shows: drawn rows of the right kinds, never a training row, and a page that gives nothing away."""

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.data.schema import Column, Schema
from gans.errors import UserError
from gans.quiz.fields import Card, Fields
from gans.quiz.items import DrawnQuiz, Item
from gans.quiz.page import FOLDER, page

Key = Callable[[Path], dict[str, list[dict[str, Any]]]]


def texts(table: pa.Table) -> set[tuple[str | None, ...]]:
    """The rows of the small table as a card should show them, worked out here."""

    def row(one: dict[str, Any]) -> tuple[str | None, ...]:
        return (
            one["segment"],
            str(one["age"]),
            f"{one['income']:.0f}",  # four digits that count: the column has no number of decimals
            f"{one['balance']:.2f}",
            "yes" if one["member"] else "no",
            one["since"].isoformat(),
            None if one["visits"] is None else str(int(one["visits"])),
        )

    return {row(one) for one in table.to_pylist()}


def shown(rows: dict[str, list[dict[str, Any]]], *kinds: str, right: str = "") -> list[tuple[str | None, ...]]:
    """The cards of items of some kinds."""
    return [
        tuple(card["values"])
        for cards in rows.values()
        for card in cards
        if card["kind"] in kinds and right in ("", card["right"])
    ]


def test_cards_are_of_the_rows_that_they_should_be_of(make: Any, key: Key, files: Path) -> None:
    folder = make(test=f"{files}/mixed.parquet")
    rows = key(folder)
    kinds = Counter(cards[0]["kind"] for cards in rows.values())
    assert kinds == {"real": 50, "synthetic": 50, "control": 5, "qualification": 20, "tutorial": 10}
    unseen, odd = (texts(pq.read_table(files / f"{name}.parquet")) for name in ("unseen", "odd"))
    real = shown(rows, "real") + shown(rows, "qualification", "tutorial", right="real")
    assert len(set(real)) == 50 + 10 + 5  # each row once, though a hundred training rows lay among them
    assert set(real) <= unseen
    made = shown(rows, "synthetic") + shown(rows, "tutorial", right="synthetic")
    assert set(made) <= odd
    assert len(set(made)) == 55
    independent = shown(rows, "control") + shown(rows, "qualification", right="synthetic")
    assert len(independent) == 15
    assert not set(independent) & unseen
    columns = [set(column) for column in zip(*unseen, strict=True)]
    assert all(value in column for row in independent for value, column in zip(row, columns, strict=True))
    facts = json.loads((folder / "quiz.json").read_text())
    assert facts["equal_to_training_rows"] == {"test": 100, "synthetic": 0}
    assert facts["counts"] == kinds
    assert facts["fields"] == ["segment", "age", "income", "balance", "member", "since", "visits"]


def test_a_seed_draws_the_same_rows_under_other_ids(make: Any, key: Key) -> None:
    one, same, other = (key(make(name, seed=seed)) for name, seed in (("a", "3"), ("b", "3"), ("c", "4")))
    for kind in ("real", "synthetic", "control", "qualification", "tutorial"):
        assert shown(one, kind) == shown(same, kind)
        assert shown(one, kind) != shown(other, kind)
    assert not set(one) & set(same)


def test_pairs_have_their_sides_in_balance(make: Any, key: Key, files: Path) -> None:
    rows = key(make(form="pairs"))
    pairs = {item: cards for item, cards in rows.items() if cards[0]["kind"] == "pair"}
    assert len(pairs) == 50
    assert Counter(cards[0]["right"] for cards in pairs.values()) == {"left": 25, "right": 25}
    unseen = texts(pq.read_table(files / "unseen.parquet"))
    for cards in rows.values():
        assert [card["side"] for card in cards] == ["left", "right"]
        assert {card["right"] for card in cards} == {card["side"] for card in cards if tuple(card["values"]) in unseen}


def test_both_halves_of_the_control_arm_are_different_real_rows(make: Any, key: Key, files: Path) -> None:
    rows = key(make(arm="real"))
    real, other = set(shown(rows, "real")), set(shown(rows, "synthetic"))
    assert len(real) == len(other) == 50
    assert not real & other
    unseen = texts(pq.read_table(files / "unseen.parquet"))
    assert real | other <= unseen
    examples = shown(rows, "tutorial", right="synthetic")
    assert not set(examples) & unseen  # a real row is never told to be synthetic


def test_rows_of_the_sampler_are_written_like_real_ones(
    command: Any, finished: Any, files: Path, key: Key, tmp_path: Path
) -> None:
    said = command("quiz", f"run={finished.path}", "out=quiz", "serve=false", f"test={files}/unseen.parquet")
    assert said.status == 0, said.err
    rows = key(tmp_path / "quiz")
    forms = ["basic|plus|gold", r"\d+", r"\d+", r"\d+\.\d\d", "yes|no", r"\d{4}-\d\d-\d\d", r"\d"]
    for kind in ("real", "synthetic"):
        for values in shown(rows, kind):
            assert all(value is None or re.fullmatch(form, value) for form, value in zip(forms, values, strict=True))


def test_the_page_gives_nothing_away(make: Any, key: Key) -> None:
    folder = make()
    rows, text = key(folder), (folder / "quiz.html").read_text(encoding="utf-8")
    data = json.loads(re.findall(r'id="data">(.*?)</script>', text)[0])
    assert [item["item"] for item in data["main"]] == sorted(item["item"] for item in data["main"])
    kinds = [rows[item["item"]][0]["kind"] for item in data["main"]]
    assert Counter(kinds) == {"real": 50, "synthetic": 50, "control": 5}
    assert {tuple(item) for part in ("qualification", "main") for item in data[part]} == {("item", "cards")}
    assert {tuple(card) for item in data["main"] for card in item["cards"]} == {("values", "picture")}
    assert all(len(item) == 12 for item in rows)
    assert [item["right"] for item in data["tutorial"]].count("real") == 5
    assert set(data) == {"quiz", "form", "language", "fields", "half", "tutorial", "qualification", "main"}
    assert "arm" not in data
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    assert "http" not in text.replace("http-equiv", "")
    runs = sum(first != second for first, second in pairwise(kinds))
    assert runs > 25  # of 105 in random order about 53; one half after the other would have few


def test_texts_of_the_table_cannot_leave_their_place_in_the_page() -> None:
    hostile = "</script><script>alert(1)</script><!--script-->"
    items = [
        Item(f"{kind}{number}", kind, "real", [Card([hostile])])
        for kind in ("tutorial", "qualification", "real")
        for number in (1, 2)
    ]
    fields = Fields([Column(name=hostile, kind="category", type="string")], None, {}, {})
    text = page(DrawnQuiz(items, fields, {"quiz": "q", "form": "cards"}), "zh")
    assert text.count("</script>") == text.count("<script") == 3
    data = json.loads(re.findall(r'id="data">(.*?)</script>', text)[0])
    assert data["main"][0]["cards"][0]["values"] == [hostile]
    assert data["fields"] == [hostile]


def test_the_page_has_every_word_in_both_languages() -> None:
    english, chinese = (
        json.loads((FOLDER / f"words.{name}.json").read_text(encoding="utf-8")) for name in ("en", "zh")
    )
    assert list(english) == list(chinese)
    for name, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", chinese[name])), name
    script = (FOLDER / "quiz.js").read_text(encoding="utf-8")
    said = set(re.findall(r'\b(?:say|form)\("(\w+)"', script))
    assert said - {"tutorial_", "before_", "refused_"} <= set(english)
    assert len(said) > 20


def test_fourteen_fields_are_drawn_and_personal_data_is_not_shown() -> None:
    columns = [Column(name=f"c{number:02}", kind="integer", type="int64") for number in range(30)]
    columns.append(Column(name="mail", kind="category", type="string", personal="email"))
    table = pa.table({column.name: [1, 2] for column in columns})
    fields = Fields.choose(Schema(columns), table, 0)
    assert len(fields.names) == 14
    assert fields.names == sorted(fields.names)
    assert "mail" not in fields.names
    assert len(fields.left_out) == 17
    assert Fields.choose(Schema(columns), table, 0).names == fields.names
    assert Fields.choose(Schema(columns), table, 1).names != fields.names
    assert len(Fields.choose(Schema(columns[:11]), table, 0).names) == 11
    with pytest.raises(UserError, match="personal data"):
        Fields.choose(Schema(columns[-1:]), table, 0)


@pytest.mark.parametrize(
    ("kind", "values", "more", "written"),
    [
        ("numeric", [1234.5678, -0.001, None], {"decimals": 2}, ["1234.57", "0.00", None]),
        ("numeric", [0.123456789, 0.5, 2.0], {"bounds": [0.0, 2.0]}, ["0.123", "0.500", "2.000"]),
        ("numeric", [123456.789, 5.0, None], {"bounds": [5.0, 123456.0]}, ["123457", "5", None]),
        ("integer", [3.0, None, 12.0], {}, ["3", None, "12"]),
        ("boolean", [True, False, None], {}, ["yes", "no", None]),
        ("category", ["  a\n b ", None, "x" * 90], {}, ["a b", None, "x" * 79 + "…"]),
        ("category", [1.0, 2.5, None], {}, ["1", "2.5", None]),
    ],
)
def test_values_are_written_for_people(kind: str, values: list[Any], more: dict[str, Any], written: list[Any]) -> None:
    table = pa.table({"c": values})
    fields = Fields.choose(Schema([Column(name="c", kind=kind, type=str(table["c"].type), **more)]), table, 0)
    assert [card.values[0] for card in fields.cards(table)] == written


def test_times_have_hours_where_real_rows_have_them() -> None:
    import datetime

    day, hour = datetime.datetime(2024, 5, 6), datetime.datetime(2024, 5, 6, 7, 8, 9)
    schema = Schema([Column(name="c", kind="datetime", type="timestamp[us]")])
    for real, written in ((day, "2024-05-06"), (hour, "2024-05-06 07:08")):
        fields = Fields.choose(schema, pa.table({"c": [real]}), 0)
        assert [card.values[0] for card in fields.cards(pa.table({"c": [hour]}))] == [written]
