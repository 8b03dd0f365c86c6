"""Placements agree: on forced host devices, and over processes."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def differences(*arguments: str) -> tuple[list[float], float]:
    """Of the script the differences of parameters between placements, and how far parameters moved at least."""
    command = [sys.executable, str(ROOT / "scripts" / "placements.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert "4 devices" in done.stdout, done.stderr
    found = [float(number) for number in re.findall(r"(?:sharded|pmap|of 3) +parameters (\S+)", done.stdout)]
    moved = [float(number) for number in re.findall(r"moved by (\S+)", done.stdout)]
    assert done.returncode == 0, done.stdout
    return found, min(moved)


@pytest.mark.slow
def test_jit_sharded_pmap_and_vmapped_seeds_agree():
    found, moved = differences("experiments=cgan", "rounding=false", "stream=false", "steps=20")
    assert len(found) == 3
    assert max(found) < moved / 20


@pytest.mark.slow
def test_all_variants_agree_on_every_placement():
    found, moved = differences()
    assert len(found) == 9
    assert max(found) < moved / 20


# three steps of plain SGD, whose updates are as large as the gradients: Adam's would not tell a sum from a mean
PROGRAM = """
import dataclasses, json, sys
import jax, numpy as np, optax
from gans.config.compose import compose
from gans.runs.build import build
from gans.runs.prepare import prepare
from gans.training.loop import initial_state, make_block
from gans.training.placement import place

overrides = ["+experiment=cgan", "data.limit=400", "trainer.batch_size=40", "trainer.critic_steps=2",
             "penalty=[r1]", "network.generator_widths=[16,16]", "network.discriminator_widths=[16]"]
ready, found = prepare(compose(overrides)), {}
for name, seeds in (("jit", 1), ("sharded", 1), ("pmap", 1), ("seeds", 3)):
    placement = "jit" if name == "seeds" else name
    gan, sgd = build(compose(overrides), ready.condition, placement), optax.sgd(0.3, momentum=0.5)
    gan = dataclasses.replace(gan, generator_optimizer=sgd, discriminator_optimizer=sgd)
    state = initial_state(gan, 1 if seeds == 1 else 0, seeds)  # of three seeds 1 is the second
    placed = place(make_block(gan), placement, seeds)
    after, metrics = placed.run(placed.put(state), placed.put(ready.rows), placed.put(np.int32(3)))
    devices = len(jax.tree.leaves(after.generator)[0].sharding.device_set)
    after, metrics = placed.get(after), placed.get(metrics)
    pick = (lambda leaf: np.asarray(leaf)[1]) if seeds > 1 else np.asarray
    sides = {
        side: [np.concatenate([pick(leaf).ravel() for leaf in jax.tree.leaves(getattr(one, side))]).tolist()
               for one in (state, after)]
        for side in ("generator", "discriminator", "average")
    }
    found[name] = {"devices": devices, "metrics": {key: float(pick(one)) for key, one in metrics.items()}} | sides
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def placed() -> dict:
    """Parameters before and after, and metrics, of each placement on four forced devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sharded", "pmap", "seeds"])
def test_the_gradients_of_each_placement_are_those_of_the_whole_batch(placed, name):
    plain, other = placed["jit"], placed[name]
    assert (plain["devices"], other["devices"]) == (1, 1 if name == "seeds" else 4)
    for side in ("generator", "discriminator", "average"):
        (before, after), (started, found) = (np.array(one[side]) for one in (plain, other))
        tolerance = 1e-5
        np.testing.assert_array_equal(started, before)
        np.testing.assert_allclose(found, after, atol=tolerance, rtol=0, err_msg=side)
        assert np.abs(after - before).max() > 1000 * tolerance
        assert np.median(np.abs(after - before)) > 10 * tolerance
    assert other["metrics"].keys() == plain["metrics"].keys()
    for key, value in plain["metrics"].items():
        np.testing.assert_allclose(other["metrics"][key], value, rtol=1e-4, atol=1e-6, err_msg=key)
    assert min(plain["metrics"][f"gradient/{side}"] for side in ("generator", "discriminator")) > 1e-3


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
