"""The study of variants, made small: from training to the page, in one command; a second call repeats nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_study_from_training_to_the_page(tmp_path: Path) -> None:
    small = ["trainer.steps=60", "trainer.evaluate_every=20", "data.limit=1200", "data.relations=[]"]
    own = [f"runs={tmp_path / 'runs'}", f"results={tmp_path / 'out'}", "seeds=2", "draws=2"]
    command = [sys.executable, str(ROOT / "experiments/variants/study.py"), *own, *small]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / "out" / "comparison.html").read_text()
    links = [link for link in re.findall(r'href="([^"#]+)"', page) if link.startswith("records/")]
    assert len(links) == 6 * 2  # a config and an evaluation of each run
    assert all((tmp_path / "out" / link).is_file() for link in links)
    for record in (tmp_path / "out" / "records").glob("*/config.yaml"):
        assert str(tmp_path) not in record.read_text()
    metrics = sorted((tmp_path / "runs").rglob("metrics.jsonl"))
    assert len(metrics) == 3 * 2
    written = [file.stat().st_mtime_ns for file in metrics]
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr[-2000:]
    assert again.stdout.splitlines()[-20:] == done.stdout.splitlines()[-20:]
    assert [file.stat().st_mtime_ns for file in metrics] == written  # nothing was trained
