"""What a page may set: nothing that reads a file, nothing beyond its bounds, and what `gans.train` understands."""

import shlex
from typing import Any

import pytest

from gans.config.compose import compose
from gans.errors import UserError
from gans.lab.setting import command, keys, overrides, read_setting, usual, weight_key
from gans.registry import COMPONENTS


def test_the_usual_setting_is_one_that_may_be_set() -> None:
    assert read_setting({}) == usual()
    assert set(usual()) == set(keys())
    assert read_setting({"penalty": "r1"})["penalty"] == ["r1"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["data"], "setting="),
        ({"data.path": "/etc/passwd"}, "unknown key data.path"),
        ({"data": "table"}, "data=table: allowed are ring, grid"),
        ({"data": None}, "data=null: allowed are ring"),
        ({"objective": "hing"}, "objective=hing: allowed are hinge"),
        ({"penalty": ["r1", "r3"]}, "penalty=r3: allowed are"),
        ({"penalty": 7}, "penalty=7: allowed are"),
        ({"penalty": [["r1"]]}, "allowed are"),
        ({"network.latent": 1.5}, "network.latent=1.5: a whole number from 1 to 64"),
        ({"network.latent": True}, "network.latent=true: a whole number"),
        ({"network.latent": float("nan")}, "network.latent=nan: a whole number"),
        ({"network.generator_widths": [8] * 6}, "a list of at most 5 widths"),
        ({"network.generator_widths": [8, 100_000]}, "from 1 to 256"),
        ({"network.generator_widths": "[8]"}, "a list of at most 5 widths"),
        ({"optimizer.learning_rate": 0}, "from 1e-06 to 1"),
        ({"optimizer.learning_rate": None}, "optimizer.learning_rate=null"),
        ({"trainer.batch_size": 10**9}, "trainer.batch_size=1000000000: allowed are"),
        ({"seed": -1}, "seed=-1: a whole number from 0 to 2147483647"),
        ({"seed": 10**400}, "seed=1000"),
        ({"objective": "wasserstein"}, "needs one of gradient_penalty"),
        ({"objective": "minimax", "penalty": ["r1"]}, "does not take it"),
        ({"data": "x" * 1000}, "data=xxx"),
    ],
)
def test_what_is_not_allowed_is_refused_by_its_key(given: Any, message: str) -> None:
    with pytest.raises(UserError) as refused:
        read_setting(given)
    assert message in str(refused.value)
    assert len(str(refused.value)) < 1_500


@pytest.mark.parametrize("objective", ["hinge", "wasserstein"])
def test_the_command_trains_the_same(objective: str) -> None:
    setting = read_setting(
        {"objective": objective, "penalty": ["gradient_penalty"], "network.generator_widths": [], "optimizer.clip": 0.5}
    )
    words = shlex.split(command(setting, 12_000))
    assert words[:3] == ["python", "-m", "gans.train"]
    run = compose(words[3:])
    assert run.trainer.steps == 12_000
    assert run.network.generator_widths == []  # pyright: ignore[reportAttributeAccessIssue]
    assert run.optimizer.clip == 0.5
    assert (list(run.penalty), run.objective) == (["gradient_penalty"], compose(overrides(setting)).objective)
    assert run.data.rows == compose(overrides(usual())).data.rows  # pyright: ignore[reportAttributeAccessIssue]


def test_a_weight_of_each_penalty_may_be_set() -> None:
    assert {weight_key(name) for name in COMPONENTS["penalty"]} == {
        "penalty.dragan.weight",
        "penalty.gradient_penalty.weight",
        "penalty.r1.gamma",
        "penalty.r2.gamma",
    }
    setting = read_setting({"penalty": ["r1"], "penalty.r1.gamma": 3})
    assert compose(overrides(setting)).penalty["r1"].gamma == 3  # pyright: ignore[reportAttributeAccessIssue]
