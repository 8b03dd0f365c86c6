"""Customers that no run has seen, a quiz of them, and raters who answer it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.data.files import TableFile

ROWS = 260
See = Callable[[Mapping[str, str | None], np.random.Generator], str]


def customers(rows: int, seed: int) -> pa.Table:
    """With the columns of the small table; in each row the balance is 7000 + age, which independent columns break."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, rows)
    return pa.table(
        {
            "segment": rng.choice(["basic", "plus", "gold"], rows),
            "age": age,
            "income": rng.permutation(rows * 7)[:rows] / 100 + 1000 + age,
            "balance": 7000.0 + age,
            "member": rng.random(rows) < 0.3,
            "since": pa.array(rng.integers(10_000, 19_000, rows).astype(np.int32), pa.date32()),
            "visits": pa.array(rng.integers(0, 9, rows), mask=rng.random(rows) < 0.2),
        }
    )


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> Path:
    """unseen.parquet, the same with 100 training rows in it, few.parquet, and rows with one tell-tale column."""
    folder = tmp_path_factory.mktemp("quiz")
    training, _ = TableFile(path=f"{inputs}/table.parquet").cut()  # of the small run
    unseen = customers(ROWS, 1)
    pq.write_table(unseen, folder / "unseen.parquet")
    pq.write_table(pa.concat_tables([unseen, training.slice(0, 100)]), folder / "mixed.parquet")
    pq.write_table(unseen.slice(0, 40), folder / "few.parquet")
    pq.write_table(unseen.drop_columns(["income"]), folder / "lacking.parquet")
    odd = customers(ROWS, 2)
    pq.write_table(odd.set_column(6, "visits", pa.array([99] * ROWS)), folder / "odd.parquet")
    pq.write_table(training, folder / "copied.parquet")
    return folder


@pytest.fixture
def make(command: Callable[..., Any], finished: Any, files: Path, tmp_path: Path) -> Callable[..., Path]:
    """A function: the folder of a quiz of the small run, about the rows with the tell-tale column unless said."""

    def quiz(name: str = "quiz", **changed: str) -> Path:
        given = {"test": f"{files}/unseen.parquet", "synthetic": f"{files}/odd.parquet"} | changed
        said = command(
            "quiz",
            f"run={finished.path}",
            f"out={name}",
            "serve=false",
            *(f"{key}={value}" for key, value in given.items()),
        )
        assert said.status == 0, said.err
        return tmp_path / name

    return quiz


def key_rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of the key by item."""
    out: dict[str, list[dict[str, Any]]] = {}
    for row in pq.read_table(folder / "items.parquet").to_pylist():
        out.setdefault(row["item"], []).append(row)
    return out


def answer(folder: Path, rater: str, see: See, words: str = "") -> dict[str, Any]:
    """What the page saves for a rater who sees cards one by one; of a pair the one that looks real is taken."""
    facts = json.loads((folder / "quiz.json").read_text(encoding="utf-8"))
    rng = np.random.default_rng([len(rater), *rater.encode()])
    answers = []
    for item, rows in key_rows(folder).items():
        if rows[0]["kind"] == "tutorial":
            continue
        seen = [see(dict(zip(facts["fields"], row["values"], strict=True)), rng) for row in rows]
        if facts["form"] == "pairs":
            sides = [side for side, one in zip(("left", "right"), seen, strict=True) if one == "real"]
            seen = sides if len(sides) == 1 else [str(rng.choice(["left", "right"]))]
        answers.append({"item": item, "answer": seen[0], "seconds": round(float(rng.gamma(4, 2)), 2)})
    return {
        "format": "gans.quiz answers 1",
        "quiz": facts["quiz"],
        "rater": rater,
        "language": "en",
        "answers": answers,
        "words": [{"field": "visits", "words": words}] if words else [],
    }


def guess(fields: Mapping[str, str | None], rng: np.random.Generator) -> str:
    """One who guesses, but sees that a row is broken."""
    return "synthetic" if broken(fields) else str(rng.choice(["real", "synthetic"]))


def tell_tale(fields: Mapping[str, str | None], rng: np.random.Generator) -> str:
    """One who sees the tell-tale column, and that a row is broken; else guesses."""
    return "synthetic" if fields["visits"] == "99" else guess(fields, rng)


def always_real(fields: Mapping[str, str | None], rng: np.random.Generator) -> str:
    """One who takes everything for real."""
    del fields, rng
    return "real"


def broken(fields: Mapping[str, str | None]) -> bool:
    return float(fields["balance"] or 0) != 7000 + float(fields["age"] or 0)


@pytest.fixture
def returned() -> Callable[..., dict[str, Any]]:
    """A function that writes the answers of a rater into a folder of a quiz, as the person who made it would."""

    def put(folder: Path, rater: str, see: str, words: str = "", into: str = "returned") -> dict[str, Any]:
        kinds = {"guess": guess, "tell_tale": tell_tale, "always_real": always_real}
        given = answer(folder, rater, kinds[see], words)
        (folder / into).mkdir(exist_ok=True)
        path = folder / into / f"answers-{rater}-2026-01-01.json"
        path.write_text(json.dumps(given), encoding="utf-8")
        return given

    return put


@pytest.fixture
def key() -> Callable[[Path], dict[str, list[dict[str, Any]]]]:
    """A function: the owner's key of a folder, by item."""
    return key_rows
