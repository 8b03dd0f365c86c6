"""Outlines say what the classes say, and the first look at overrides what composing them says."""

import dataclasses
import inspect
import typing
from typing import Any

import pytest

from gans.config.components import ROOMS
from gans.config.compose import compose
from gans.config.known import explanation, known_keys, nearest_keys, run_outline
from gans.config.outline import components, explanations, outline
from gans.config.overrides import first_look, implied, read_overrides
from gans.config.run import Run
from gans.config.schemas import load_schemas
from gans.errors import UserError
from gans.federated.settings import Federation
from gans.registry import COMPONENTS

load_schemas()
OWN = {
    group: {name: kind for name, kind in kinds.items() if kind.__module__.startswith("gans.")}
    for group, kinds in COMPONENTS.items()
}


def fields(kind: Any) -> list[tuple[str, Any, Any]]:
    hints = typing.get_type_hints(kind)
    return [
        (one.name, hints[one.name], one.default if callable(one.default_factory) is False else one.default_factory())
        for one in dataclasses.fields(kind)
    ]


def test_outlines_have_the_fields_of_the_classes() -> None:
    found = components(ROOMS)
    assert {group: set(kinds) for group, kinds in found.items()} == {group: set(kinds) for group, kinds in OWN.items()}
    for group, kinds in OWN.items():
        for name, kind in kinds.items():
            assert fields(found[group][name]) == fields(kind), f"{group}={name}"
    assert fields(outline("gans.federated.settings", "Federation")) == fields(Federation)


def test_the_outline_of_a_run_has_its_keys() -> None:
    own = [one for one in fields(Run) if one[0] not in OWN and one[0] != "transfer"]
    assert [one for one in fields(run_outline()) if one[0] in [name for name, _, _ in own]] == own
    assert [one.name for one in dataclasses.fields(run_outline())] == [one.name for one in dataclasses.fields(Run)]


def test_no_key_lacks_a_line() -> None:
    parts = {"", *OWN}
    keys = [key for key in known_keys() if key not in parts and key != "transfer"]
    assert len(keys) > 150
    assert not [key for key in keys if not explanation(key)]
    for group, kinds in components(ROOMS).items():
        for name, kind in kinds.items():
            lines = explanations(kind)
            assert not [one.name for one in dataclasses.fields(kind) if not lines.get(one.name)], f"{group}={name}"


def test_a_line_is_that_of_the_docstring() -> None:
    lines = explanations(outline("gans.config.trainer", "Trainer"))
    text = " ".join((inspect.getdoc(OWN["trainer"]["default"]) or "").split())
    assert all(f"{name}: {line}" in text for name, line in lines.items())
    assert lines["accumulate"].endswith("batch norm sees one part at a time.")


WRONG = [
    ["trainer.steps=0"],
    ["trainer.stepz=1"],
    ["trainer.steps=many"],
    ["+experiment=nosuch"],
    ["objective=nosuch"],
    ["optimizer.lr=1"],
    ["optimizer.learning_rate=-1"],
    ["optimizer=sgd", "optimizer.b1=0.5"],
    ["data=table", "data.path=x.csv", "data.decimal=;"],
    ["data=table", "data.types.zip=digits"],
    ["data=profiles", "data.orphans=keep"],
    ["data.holdout=1"],
    ["data.columns.orders.x=1"],
    ["penalty=[r1]", "penalty.r1.gamma=-1"],
    ["network=residual", "network.slope=2"],
    ["tracker.mode=on"],
    ["transfer.rate=20"],
    ["privacy=dp", "privacy.epsilon=0"],
    ["term.moments.weight=1"],
    ["seed=0,1"],
]


@pytest.mark.parametrize("overrides", WRONG, ids=" ".join)
def test_the_first_look_says_what_composing_says(overrides: list[str]) -> None:
    said = []
    for call in (lambda: first_look(read_overrides(overrides)), lambda: compose(overrides)):
        with pytest.raises(UserError) as caught:
            call()
        said.append(str(caught.value))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    "overrides", [[], ["+experiment=tabular", "+debug=limit"], ["data=sql", "data.query=select 1"]]
)
def test_the_first_look_gives_the_config_that_composing_gives(overrides: list[str]) -> None:
    from omegaconf import OmegaConf

    assert OmegaConf.to_container(first_look(read_overrides(overrides))) == dataclasses.asdict(compose(overrides))


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("optimizer.lr", "'optimizer.learning_rate'"),
        ("lr", "'optimizer.learning_rate'"),
        ("batch_size", "'trainer.batch_size'"),
        ("trainer.learning_rate", "learning_rate'"),
        ("sed", "'seed'"),
        ("network.batch_size", "'trainer.batch_size'"),
    ],
)
def test_the_nearest_key_is_looked_for_among_all(key: str, meant: str) -> None:
    assert meant in nearest_keys(key)


def test_nothing_is_near_to_nonsense() -> None:
    assert nearest_keys("xyzzy.plugh") == ""


@pytest.mark.parametrize(
    ("given", "data"),
    [
        (["data.path=x.csv"], "table"),
        (["data.path=x.csv", "data.target=plan", "+experiment=tabular"], "table"),
        (["data.query=select 1"], "sql"),
        (["data.database=shop.duckdb", "data.query=select 1"], "sql"),
        (["data.orders=o.csv"], "profiles"),
        (["data.orders=o", "data.database=shop.duckdb"], "profiles"),
    ],
)
def test_a_key_of_a_table_implies_data(given: list[str], data: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "gans"):
        assert implied(given) == [*given, f"data={data}"]
    assert caplog.messages == [f"data={data}, because {given[0].partition('=')[0]} is set"]


@pytest.mark.parametrize(
    "given",
    [
        ["data=sql", "data.path=x.csv"],
        ["data.target=age"],
        ["seed=1"],
        ["data.path=x.csv", "data.orders=o.csv"],
        ["data=table,sql", "data.path=x"],
    ],
)
def test_what_is_said_or_may_mean_two_things_is_left(given: list[str]) -> None:
    assert implied(given) == given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["data=table"], "data.path is not set"),
        (["data.path=no.csv", "data=table"], "data.path=no.csv: no such file"),
        (["data=table", f"data.path={__file__}"], "allowed are .parquet"),
    ],
)
def test_a_file_that_is_not_there_is_found_at_once(given: list[str], said: str) -> None:
    overrides = read_overrides(given)
    first_look(overrides)
    with pytest.raises(UserError, match=said):
        first_look(overrides, files=True)
