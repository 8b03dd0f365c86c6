"""Croissant metadata of sampled rows: what it says of columns and files, and nothing of the training table's values."""

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gans.data.schema import Column, Schema
from gans.errors import UserError
from gans.evaluation.results import Evaluation, Score
from gans.findings.model_card import untested
from gans.report.croissant import CONFORMS, CONTEXT, croissant_file, describe, privacy_of

COLUMNS = [
    Column(name="first name", kind="category", type="string", levels=4, personal="name", missing=True),
    Column(name="age", kind="integer", type="int8", bounds=[18, 93]),
    Column(name="income", kind="numeric", type="decimal128(9, 2)", bounds=[0, 99123.75]),
    Column(name="gold", kind="boolean", type="bool"),
    Column(name="born", kind="datetime", type="date32[day]", bounds=["1931-04-05", "2006-01-02"]),
    Column(name="seen", kind="datetime", type="timestamp[us, tz=UTC]"),
    Column(name="mail", kind="text", type="string", role="dropped", personal="email"),
    Column(name="phone", kind="text", type="string", role="faked", personal="phone"),
    Column(name="photo", kind="image", type="image[uint8, 28 x 28 x 1]", role="image"),
]
WHEN = dt.datetime(2025, 3, 1, 12, tzinfo=dt.UTC)


def saved(tmp_path: Path, evaluation: dict[str, Any] | None = None, columns: list[Column] = COLUMNS) -> Any:
    """What is asked of a run."""
    return SimpleNamespace(
        schema=Schema(columns),
        summary={"rows": {"training": 900}},
        run=SimpleNamespace(name="mine", privacy=SimpleNamespace(private=False)),
        folder=tmp_path / "run",
        files=SimpleNamespace(evaluation=tmp_path / "evaluation.json"),
        evaluation=evaluation or {},
    )


def described(tmp_path: Path, name: str) -> dict[str, Any]:
    (tmp_path / name).write_bytes(b"content")
    return describe(tmp_path / name, saved(tmp_path), 1000, {"n": 1000, "seed": 3}, WHEN)


def test_columns_with_their_types(tmp_path: Path) -> None:
    found = described(tmp_path, "rows.csv")
    fields = found["recordSet"][0]["field"]
    types = ["sc:Text", "sc:Integer", "sc:Float", "sc:Boolean", "sc:Date", "sc:DateTime", "sc:Text", "sc:Integer"]
    assert [field["dataType"] for field in fields] == types
    names = ["first name", "age", "income", "gold", "born", "seen", "phone", "photo"]
    assert [field["name"] for field in fields] == names
    assert [field["source"]["extract"] for field in fields] == [{"column": name} for name in names]
    assert fields[0]["@id"] == "rows/first%20name"
    assert fields[0]["description"] == "category, may be missing"
    assert (fields[-1]["isArray"], fields[-1]["arrayShape"]) == (True, "28,28,1")
    assert found["rai:personalSensitiveInformation"][0].endswith("made up: first name, phone.")


def test_nothing_of_the_training_rows_is_in_it(tmp_path: Path) -> None:
    text = json.dumps(described(tmp_path, "rows.csv"))
    assert not [value for value in ("93", "99123", "1931", "2006-01-02", "mail", str(tmp_path)) if value in text]
    assert "trained on 900 rows of a table" in text


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("a.csv", "text/csv"),
        ("a.tsv.zst", ["text/tab-separated-values", "application/zstd"]),
        ("a.jsonl", "application/jsonlines"),
        ("a.parquet", "application/x-parquet"),
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_the_format_of_the_file(tmp_path: Path, name: str, encoding: Any) -> None:
    (file,) = described(tmp_path, name)["distribution"]
    assert file["encodingFormat"] == encoding
    assert file["sha256"] == "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"  # of b"content"
    assert croissant_file(tmp_path / name) == tmp_path / f"{name}.croissant.json"


def test_what_the_specification_requires_is_there(tmp_path: Path) -> None:
    found = described(tmp_path, "rows.csv")
    assert found["conformsTo"] == list(CONFORMS)
    assert {"@context", "@type", "name", "description", "datePublished", "distribution", "recordSet"} <= set(found)
    assert found["datePublished"] == "2025-03-01"
    assert found["prov:wasGeneratedBy"]["prov:label"] == "gans sample run=run n=1000 seed=3"

    def terms(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(terms, value))
        return set(value).union(*map(terms, value.values())) if isinstance(value, dict) else set()

    used = terms({key: value for key, value in found.items() if key != "@context"})
    prefixes = {term.split(":")[0] for term in used if ":" in term}
    assert prefixes <= set(CONTEXT)
    ids = [field["@id"] for field in found["recordSet"][0]["field"]]
    assert len(set(ids)) == len(ids)


def test_the_verdict_of_an_evaluation(tmp_path: Path) -> None:
    assert privacy_of(saved(tmp_path)) == [untested()]
    scores = {"exact_copies": Score(0.4, real=0.0), "membership_worst_auc": Score(0.9, 0.85, 0.95)}
    details = {"exact copies beyond real rows": [0.4, 0.3, 0.5]}
    stored = Evaluation("standard", {"real": 900, "synthetic": 900, "test": 400}, "", scores, [], details).to_json()
    verdict, limits = privacy_of(saved(tmp_path, json.loads(json.dumps(stored)), COLUMNS[:3]))
    assert verdict.text.startswith("Is it safe to share these rows? ")
    assert limits.text
    assert privacy_of(saved(tmp_path, {"scores": {"fid": 3.0}})) == [untested()]  # of images
    with pytest.raises(UserError, match=r"evaluation\.json: not an evaluation"):
        privacy_of(saved(tmp_path, {"scores": 5}, COLUMNS[:3]))
