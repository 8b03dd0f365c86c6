"""The worked example of CONTRIBUTING.md, followed to the letter on a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_a_new_variant_in_three_files(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text()
    steps = re.findall(r"^\d\. .*?`((?:gans|conf)/[^`]+)`.*?```\w+\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert [name for name, _ in steps] == [
        "gans/objectives/smoothed.py",
        "conf/objective/smoothed.yaml",
        "conf/experiment/smoothed.yaml",
    ]
    for room in ("gans", "conf"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in steps:
        assert not (tmp_path / name).exists()
        (tmp_path / name).write_text(content)
    command = re.search(r"`python -m (gans\.train \+experiment=smoothed objective\.real=0\.8)`", text)
    assert command
    arguments = [*command[1].split(), "+debug=limit", "network.generator_widths=[8]", "run_dir=run"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found_by_themselves = ("objectives/test_objectives.py", "config/test_compose.py", "conftest.py")
    for name in found_by_themselves:
        (tmp_path / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    tests = [sys.executable, "-m", "pytest", "-q", "-k", "smoothed or every_component", "--import-mode=importlib"]
    found = subprocess.run(
        [*tests, "-p", "no:cacheprovider"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout
    assert int(re.search(r"(\d+) passed", found.stdout)[1]) >= 10, found.stdout
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert "objective: smoothed" in config
    assert "real: 0.8" in config
