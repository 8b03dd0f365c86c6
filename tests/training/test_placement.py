"""Placements agree: on forced host devices, and over processes."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def differences(*arguments: str) -> list[float]:
    command = [sys.executable, str(ROOT / "scripts" / "placements.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert "4 devices" in done.stdout, done.stderr
    found = [float(number) for number in re.findall(r"(?:sharded|pmap|of 3) +parameters (\S+)", done.stdout)]
    moved = [float(number) for number in re.findall(r"moved by (\S+)", done.stdout)]
    assert min(moved) > 1e-4
    assert done.returncode == 0, done.stdout
    return found


def test_jit_sharded_pmap_and_vmapped_seeds_agree():
    assert max(differences("experiments=cgan", "rounding=false", "stream=false")) < 1e-4


@pytest.mark.slow
def test_all_variants_agree_on_every_placement():
    found = differences()
    assert len(found) == 9
    assert max(found) < 1e-4


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
def test_two_processes_train_together_resume_and_agree_with_one(tmp_path):
    base = ["+experiment=cgan", "+debug=limit", "data.limit=2000", "optimizer.learning_rate=2e-5", "trainer.keep=9"]

    def command(run_dir, *more):
        begun = [] if "trainer.resume=true" in more else base  # a resumed run keeps its settings
        return [sys.executable, "-m", "gans.train", *begun, f"run_dir={tmp_path / run_dir}", *more]

    def together(*more):
        port = free_port()
        over = [f"trainer.coordinator=localhost:{port}", "trainer.processes=2"]
        jobs = [
            subprocess.Popen(command("two", *more, *over, f"trainer.process={k}"), stderr=subprocess.PIPE, text=True)
            for k in (0, 1)
        ]
        errors = [job.communicate(timeout=240)[1] for job in jobs]
        assert [job.returncode for job in jobs] == [0, 0], errors

    together("trainer.steps=20")
    together("trainer.steps=20", "trainer.resume=true")
    subprocess.run(command("one", "trainer.steps=20"), check=True, capture_output=True)
    losses = [
        [json.loads(line)["loss/generator"] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    assert len(losses[0]) == len(losses[1]) == 4
    assert max(abs(a - b) for a, b in zip(*losses, strict=True)) < 1e-4


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bits(tmp_path):
    command = [
        sys.executable,
        str(ROOT / "scripts" / "kill_and_resume.py"),
        "kills=3",
        "steps=1500",
        f"folder={tmp_path}",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "the same to the bit" in done.stdout, done.stdout + done.stderr
