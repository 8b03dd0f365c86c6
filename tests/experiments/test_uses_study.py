"""The frozen answers of the uses, and the table and figures made of them."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parents[2] / "experiments" / "uses"


def test_table_and_csv_are_those_of_the_answers(study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "answers").symlink_to(HERE / "answers")
    monkeypatch.setattr(study, "scenario_figure", lambda found: None)
    monkeypatch.setattr(study, "write_atomic", lambda path, write: None)
    study.write_results(tmp_path)
    for name in ("TABLE.md", "results.csv"):
        assert (tmp_path / name).read_text() == (HERE / name).read_text()


def test_every_use_of_every_table_has_five_seeds(study: Any) -> None:
    shortages = {f"AUC with {share} of the bad cases" for share in ("20%", "5%")}
    for name in study.TABLES:
        for scenario in study.SCENARIOS:
            found = json.loads((HERE / "answers" / f"{name}-{scenario}.json").read_text())
            assert found["runs"] == len(found["single runs"]) == 5
            assert found["answer"]
            assert set(study.SHOWN[scenario]) - {one["name"] for one in found["measures"]} <= shortages
    rows = list(csv.DictReader((HERE / "results.csv").read_text().splitlines()))
    assert shortages == {row["measure"] for row in rows if "of the bad cases" in row["measure"]}
    for row in rows:
        if row["low"]:
            assert float(row["low"]) <= float(row["value"]) <= float(row["high"])


@pytest.mark.parametrize("arguments", [["tables=[adult]"], ["scenarios=[sales]"], ["seeds=1"], ["steps=few"]])
def test_mistakes_are_named(study: Any, arguments: list[str]) -> None:
    with pytest.raises(study.UserError, match=arguments[0].split("=")[0]):
        study.main.run(arguments)
