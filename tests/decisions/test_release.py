"""The answer about privacy says the guarantee of a private run and shows its ledger."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.config.compose import compose
from gans.data.embedded import Households
from gans.decisions.cases import open_cases
from gans.decisions.scenarios import answer_of, draw
from gans.report.answers import write_answer
from gans.runs.execute import execute


@pytest.mark.slow
def test_a_private_run_is_answered_with_its_guarantee_and_its_ledger(tmp_path: Path) -> None:
    table: pa.Table = Households().read()
    small = ["network.components=16", "network.generator_widths=[16]", "privacy.iterations=5", "privacy.rounds=1"]
    run = compose(["+experiment=dp_marginals", "tracker.mode=disabled", "samples=1000", *small])
    run.run_dir = str(tmp_path / "run")
    execute(run, table.slice(0, 1_000), show=False)
    for name, start in (("real", 0), ("test", 1_000)):
        pq.write_table(table.slice(start, 1_000), tmp_path / f"{name}.parquet")
    given: dict[str, Any] = {"run": [run.run_dir]} | {
        name: str(tmp_path / f"{name}.parquet") for name in ("real", "test")
    }
    answer = answer_of("privacy", open_cases(given), {})
    assert answer.sentences[1].text.startswith("Differential privacy with epsilon 1 and delta 1e-05")
    page = write_answer(tmp_path, answer, draw(answer)).read_text()
    assert "What was spent of the guarantee" in page
    assert "counts of age" in page
