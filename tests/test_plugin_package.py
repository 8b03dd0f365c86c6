"""An objective in a little package of its own: its entry point is enough, no file of gans is touched."""

import os
import subprocess
import sys
from pathlib import Path

MODULE = '''
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "exponential")
@dataclass(kw_only=True)
class Exponential(Objective):
    """E exp(-C(x)) + E exp(C(g)), and the same for G the other way round."""

    sharpness: float = 1.0

    def discriminator(self, real, fake):
        return jnp.mean(jnp.exp(-self.sharpness * real)) + jnp.mean(jnp.exp(self.sharpness * fake))

    def generator(self, real, fake):
        return jnp.mean(jnp.exp(-self.sharpness * fake))
'''


def test_an_objective_of_another_package_is_chosen_by_name(tmp_path: Path) -> None:
    (tmp_path / "lab_losses.py").write_text(MODULE)
    info = tmp_path / "lab_losses-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-losses\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[gans.plugins]\nlab = lab_losses\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "gans.train", "objective=exponential", "objective.sharpness=0.5", "+debug=limit",
               "network.generator_widths=[8]", "run_dir=run"]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert "objective: exponential" in config
    assert "sharpness: 0.5" in config
    refused = subprocess.run([*command[:-1], "objective.sharp=1"], cwd=tmp_path, env=environment, capture_output=True,
                             text=True)  # fmt: skip
    assert refused.returncode == 2
    assert "objective.sharp" in refused.stderr
