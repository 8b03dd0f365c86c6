import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from gans.config.components import conf_folder, load_components
from gans.config.compose import compose
from gans.config.run import Run
from gans.config.stored import read_run, to_yaml
from gans.errors import UserError
from gans.registry import COMPONENTS, register
from gans.runs.directory import stored_run
from gans.runs.files import RunFiles
from gans.runs.provenance import sign_run

load_components()
EXPERIMENTS = sorted(path.stem for path in (conf_folder() / "experiment").glob("*.yaml"))
SEVERAL = {"penalty", "term", "logger"}  # groups of which a run takes any number
OPTIONS = sorted(
    (path.parent.name, path.stem) for group in COMPONENTS for path in (conf_folder() / group).glob("*.yaml")
)


def option(group: str, name: str) -> dict[str, Any]:
    return yaml.safe_load((conf_folder() / group / f"{name}.yaml").read_text()) or {}


def schema_of(group: str, name: str) -> type:
    """The component whose schema an option starts from."""
    (schema,) = option(group, name)["defaults"]
    return COMPONENTS[group][schema.removesuffix("_schema")]


def defaults(kind: type) -> dict[str, Any]:
    """Field defaults of a dataclass."""
    out = {}
    for field in dataclasses.fields(kind):
        if field.default is not dataclasses.MISSING:
            out[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            out[field.name] = field.default_factory()
    return out


def compose_option(group: str, name: str) -> Any:
    """The component that GROUP=NAME gives, with what it needs beside it."""
    kind = schema_of(group, name)
    hidden = ["network.discriminator_conditioning=none"]
    if group in SEVERAL:
        given = (getattr(kind, "conditions", None) or ["none"])[0]
        beside = [f"condition={given}", *(["condition.columns=[age]"] if given == "labels" else [])]
        return getattr(compose([f"{group}=[{name}]", *beside, *hidden]), group)[name]
    beside = [f"penalty=[{kind.needs[0]}]"] if group == "objective" and kind.needs else []
    beside += hidden if name == "codes" else []
    beside += [f"network={kind.networks[0]}"] if group == "privacy" and kind.networks else []
    if group == "condition" and "columns" in defaults(kind):
        beside.append(f"{group}.columns=[age]")
    return getattr(compose([f"{group}={name}", *beside]), group)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiment_composes_and_comes_back_from_yaml(name: str, tmp_path: Path) -> None:
    run = compose([f"+experiment={name}", "seed=7", "data.kinds.zip=category"])
    assert run.name == name
    assert (run.seed, run.data.kinds) == (7, {"zip": "category"})
    (tmp_path / "config.yaml").write_text(to_yaml(run))
    assert read_run(tmp_path / "config.yaml") == run


PRIVATE = ("dp_marginals", "dp_gan", "pate_gan")  # of whole tables, each with tests of its own in tests/runs
QUICK = ("vanilla", "cgan", "wgan_gp", "tabular")  # the others are made of parts that have tests of their own


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in EXPERIMENTS
        if name not in {*PRIVATE, "histories"}  # of several tables, with tests of its own
    ],
)
def test_smoke_experiment_trains_two_steps(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gans.runs.execute import execute

    monkeypatch.setattr("gans.refinement.boosted.FRESH", 8_000)  # generated rows for trees and raking
    small = [
        "data.limit=160",
        "trainer.steps=2",
        "trainer.block=2",
        "trainer.batch_size=20",
        "trainer.evaluate_rows=100",
    ]
    run = compose([f"+experiment={name}", *small, "tracker.mode=disabled", f"run_dir={tmp_path / 'run'}"])
    result = execute(run, show=False)
    assert (result.status, result.summary["steps"]) == ("completed", 2)
    assert 0 <= result.score <= 1


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_option_gives_its_component_with_what_its_file_says(group: str, name: str) -> None:
    component = compose_option(group, name)
    assert type(component) is schema_of(group, name)
    for key, value in option(group, name).items():
        if key != "defaults":
            assert getattr(component, key) == value


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_no_file_repeats_a_default(group: str, name: str) -> None:
    known = defaults(schema_of(group, name))
    for key, value in option(group, name).items():
        assert key == "defaults" or known[key] != value


def test_every_component_of_the_package_has_its_file() -> None:
    """One of a plugin, which may be installed beside, needs none."""
    started = {(group, schema_of(group, name)) for group, name in OPTIONS}
    known = {(group, kind) for group, names in COMPONENTS.items() for kind in names.values()}
    assert started == {(group, kind) for group, kind in known if kind.__module__.startswith("gans.")}


def test_composed_defaults_are_those_of_the_dataclasses() -> None:
    run = compose()
    for key, value in defaults(Run).items():
        assert getattr(run, key) == value
    for group in COMPONENTS.keys() - SEVERAL:
        component = getattr(run, group)
        chosen = option(group, "households") if group == "data" else {}
        expected = defaults(type(component)) | {key: value for key, value in chosen.items() if key != "defaults"}
        assert dataclasses.asdict(component) == expected
    assert compose(["+experiment=vanilla", "network=mlp", "penalty=[]", "optimizer.b1=0.5"]) == run


@pytest.mark.parametrize("name", ["limit", "overfit", "profile"])
def test_debug_sets_what_its_file_says(name: str) -> None:
    run = compose(["+experiment=cgan", f"+debug={name}"])
    assert run.name == "cgan"
    for key, value in option("debug", name).items():
        if isinstance(value, dict):
            assert {inner: getattr(getattr(run, key), inner) for inner in value} == value
        else:
            assert getattr(run, key) == value
    assert run.tracker.mode == "disabled"


def test_the_command_line_wins_over_the_experiment() -> None:
    assert compose(["+experiment=wgan_gp"]).trainer.critic_steps == 5
    assert compose(["trainer.critic_steps=2", "+experiment=wgan_gp"]).trainer.critic_steps == 2


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["trainer.step=3"], ["unknown key trainer.step;", "trainer.batch_size", "Did you mean 'trainer.steps'?"]),
        (["sed=3"], ["unknown key sed;", "run_dir", "Did you mean 'seed'?"]),
        (["objective=minmax"], ["objective=minmax", "non_saturating", "Did you mean 'minimax'?"]),
        (["trainer.steps=1.5"], ["trainer.steps", "1.5", "Integer"]),
        (["data.holdout=1"], ["data.holdout=1", "more than 0 and less than 1"]),
        (["trainer.average=1.0"], ["trainer.average=1", "at least 0 and less than 1"]),
        (["trainer.best=scor"], ["trainer.best=scor", "column_distance", "Did you mean 'score'?"]),
        (["trainer.best=detect"], ["trainer.best=detect", "last", "Did you mean 'detection'?"]),
        (["trainer.metrics=[fidelty]"], ["trainer.metrics=fidelty", "Did you mean 'fidelity'?"]),
        (["trainer.metrics=[score]"], ["trainer.metrics=score", "allowed are", "fidelity"]),
        (["trainer.metrics=detection"], ["trainer.metrics", "list"]),
        (["trainer.patience=0"], ["trainer.patience=0", "at least 1"]),
        (["trainer.patience=soon"], ["trainer.patience", "soon", "Integer"]),
        (["trainer.patience=3", "trainer.best=last"], ["trainer.patience=3", "trainer.best=last", "detection"]),
        (["trainer.best=detection", "trainer.evaluate_rows=99"], ["trainer.evaluate_rows=99", "at least 100"]),
        (["trainer.metrics=[detection]", "trainer.evaluate_rows=99"], ["trainer.evaluate_rows=99", "detection"]),
        (["trainer.processes=2"], ["trainer.coordinator is not set"]),
        (["network.generator_widths=[8,0]"], ["network.generator_widths=0", "at least 1"]),
        (["condition=labels", "condition.columns=[age]", "condition.bins=1"], ["condition.bins=1", "at least 2"]),
        (["condition=labels", "condition.columns=[age,age]"], ["condition.columns", "'age' is named twice"]),
        (["network=ctgan", "trainer.placement=pmap"], ["trainer.placement=pmap", "jit and sharded"]),
        (["samples=0"], ["samples=0", "at least 1"]),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) and "=" in value[-1] else "",
)
def test_mistakes_are_named(overrides: list[str], said: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        compose(overrides)
    for words in said:
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_dictionaries_need_no_sign() -> None:
    run = compose(["data.kinds.zip=category", "data.kinds.age=integer"])
    assert run.data.kinds == {"zip": "category", "age": "integer"}


def test_registering_a_name_twice_raises(plugins: Callable[..., None]) -> None:
    @dataclasses.dataclass(kw_only=True)
    class Other:
        """Not the class of that name."""

    with pytest.raises(ValueError, match=r"objective=minimax is already gans\.objectives\.minimax\.Minimax"):
        register("objective", "minimax")(Other)


# Reading a stranger's run


def written(folder: Path, text: str) -> Path:
    (folder / "config.yaml").write_text(text)
    return folder / "config.yaml"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed: 0\n", "seed: !!python/object/apply:os.system ['touch {evil}']\n", "not readable as YAML"),
        ("seed: 0\n", "seed: !!python/object/new:os.system ['touch {evil}']\n", "not readable as YAML"),
        ("network:\n  latent", "network:\n  _target_: os.system\n  command: touch {evil}\n  latent", "_target_"),
        ("components:\n", "_target_: os.system\ncommand: touch {evil}\ncomponents:\n", "unknown key _target_"),
        ("network: mlp", "network: os.system", "network=os.system is not known here"),
        ("seed: 0\n", "seed: ${{system:touch {evil}}}\n", "interpolations"),
        ("components:\n", "compnents:\n", "components"),
        ("\ncondition: {{}}", "", "condition"),
        ("latent: 100", "latent: many", "latent"),
        ("latent: 100", "latnt: 100", "latnt"),
        ("latent: 100", "latent: 0", "network.latent=0: it must be at least 1"),
        ("network:\n  latent", "network: [\n  latent", "not readable as YAML"),
    ],
    ids=["apply", "new", "target", "top target", "name", "resolver", "none", "section", "type", "key", "range", "yaml"],
)
def test_reading_a_strangers_run_executes_nothing(tmp_path: Path, old: str, new: str, said: str) -> None:
    evil = tmp_path / "evil"
    text = to_yaml(compose())
    old, new = old.replace("{{", "{").replace("}}", "}"), new.format(evil=evil)
    assert old in text
    with pytest.raises(UserError) as caught:
        read_run(written(tmp_path, text.replace(old, new, 1)))
    assert said in str(caught.value)
    assert not evil.exists()


@pytest.mark.parametrize(
    "change",
    [
        ("  network: mlp\n", "  network: mlp\n  evil: x\n"),
        ("penalty: {}", "penalty: {evil: {weight: 1}}"),
        ("penalty: {}", "penalty: null"),
    ],
    ids=["unknown group", "unknown penalty", "null penalty"],
)
def test_a_damaged_config_is_a_users_mistake(tmp_path: Path, change: tuple[str, str]) -> None:
    text = to_yaml(compose())
    assert change[0] in text
    with pytest.raises(UserError):
        read_run(written(tmp_path, text.replace(*change, 1)))


@pytest.mark.parametrize("text", ["", "hello\n", "- a\n", "\x00"])
def test_other_files_are_no_config(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match=r"config\.yaml"):
        read_run(written(tmp_path, text))


def test_a_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_run(tmp_path / "config.yaml")


# Plugins

PLUGIN = '''
from dataclasses import dataclass

import jax.numpy as jnp

from gans.objectives.base import Objective
from gans.registry import register


@register("objective", "lab_hinge")
@dataclass(kw_only=True)
class LabHinge(Objective):
    """Of a lab."""

    margin: float = 1.0

    def discriminator(self, real, fake):
        return jnp.mean(jnp.maximum(self.margin - real, 0)) + jnp.mean(jnp.maximum(self.margin + fake, 0))
'''


def test_a_plugin_is_an_option_like_any_other(
    plugins: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gans_lab_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    plugins(EntryPoint("lab", "gans_lab_plugin", "gans.plugins"), EntryPoint("other", "nothing", "other.group"))
    run = compose(["objective=lab_hinge", "objective.margin=2"])
    assert type(run.objective).__name__ == "LabHinge"
    assert float(run.objective.discriminator(0.5, -1.5)) == 1.5 + 0.5  # pyright: ignore[reportArgumentType]
    assert read_run(written(tmp_path, to_yaml(run))) == run
    with pytest.raises(UserError, match="Did you mean 'lab_hinge'"):
        compose(["objective=lab_hing"])
    with pytest.raises(UserError, match=r"unknown key objective\.margn.*Did you mean|unknown key objective\.margn"):
        compose(["objective=lab_hinge", "objective.margn=2"])


@pytest.mark.parametrize("body", [None, "raise RuntimeError('of the lab')", "import not_installed_anywhere", "x = ("])
def test_a_broken_plugin_is_named(
    plugins: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str | None
) -> None:
    if body:
        (tmp_path / "gans_broken_plugin.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gans_broken_plugin", raising=False)
    plugins(EntryPoint("lab", "gans_broken_plugin", "gans.plugins"))
    with pytest.raises(UserError, match=r"plugin 'lab' \(gans_broken_plugin\) cannot be loaded"):
        compose()


# Resuming


@pytest.fixture
def begun(tmp_path: Path) -> tuple[Path, Run]:
    run = compose(["+experiment=cgan", "seed=3", "trainer.steps=100", f"run_dir={tmp_path}"])
    written(tmp_path, to_yaml(run))
    files = RunFiles(tmp_path)
    files.schema.write_text("{}")
    sign_run(files)
    return tmp_path, run


def go_on(folder: Path, *overrides: str) -> Run:
    given = [f"run_dir={folder}", "trainer.resume=true", *overrides]
    return stored_run(compose(given), given)


def test_a_resumed_run_is_the_one_that_was_begun(begun: tuple[Path, Run]) -> None:
    folder, run = begun
    again = go_on(folder)
    assert again.trainer.resume
    again.trainer.resume = False
    assert again == run


def test_a_resumed_run_takes_what_may_change(begun: tuple[Path, Run]) -> None:
    folder, run = begun
    again = go_on(folder, "trainer.steps=200", "trainer.block=7", "tracker.mode=disabled", "samples=10")
    assert (again.trainer.steps, again.trainer.block, again.tracker.mode, again.samples) == (200, 7, "disabled", 10)
    assert (again.seed, again.condition, again.network) == (run.seed, run.condition, run.network)


@pytest.mark.parametrize(
    "override",
    [
        "seed=3",
        "+experiment=cgan",
        "network=mlp_critic",
        pytest.param(
            "optimizer.learning_rate=0.0005",
        ),
    ],
)
def test_saying_the_same_again_is_allowed(begun: tuple[Path, Run], override: str) -> None:
    again = go_on(begun[0], override)
    again.trainer.resume = False
    assert again == begun[1]


@pytest.mark.parametrize(
    ("override", "was"),
    [
        ("seed=4", "seed=3"),
        ("+experiment=vanilla", "name=cgan"),
        ("optimizer.learning_rate=0.1", "optimizer.learning_rate=0.0005"),
        ("trainer.batch_size=10", "trainer.batch_size=500"),
        ("network=residual", ""),
        ("data=charity", ""),
        ("codec=standard", ""),
        ("penalty=[gradient_penalty]", ""),
        ("data.kinds.age=category", ""),
    ],
)
def test_contradicting_a_begun_run_raises(begun: tuple[Path, Run], override: str, was: str) -> None:
    with pytest.raises(UserError, match="a resumed run cannot change this") as caught:
        go_on(begun[0], override)
    assert override in str(caught.value)
    assert f"was started{f' with {was}' if was else ''}" in str(caught.value)


def test_without_a_run_nothing_is_resumed(tmp_path: Path) -> None:
    assert go_on(tmp_path) == compose([f"run_dir={tmp_path}", "trainer.resume=true"])


# The table


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["trainer.best=detection"], ["detection: left out, it needs at least 100", "trainer.best=score in place of"]),
        (["trainer.metrics=[detection]"], ["detection: left out, it needs at least 100 held-out rows, there are 20"]),
        (["trainer.best=last", "trainer.metrics=[detection,fidelity]"], ["detection: left out"]),
        (["data.holdout=0.6", "samples=200", "trainer.best=detection"], []),
        (["trainer.metrics=[fidelity]"], []),
    ],
)
def test_metrics_that_need_more_rows_are_left_out(table: pa.Table, overrides: list[str], said: list[str]) -> None:
    run = compose(overrides)
    suited, lines = run.suited(run.data.split(table))
    assert len(lines) == len(said)
    assert all(line.startswith(text) for line, text in zip(lines, said, strict=True))
    if said:
        assert "detection" not in suited.trainer.measured
        assert suited.trainer.best == run.trainer.best.replace("detection", "score")
    else:
        assert suited == run


def test_a_condition_that_is_not_in_the_table(table: pa.Table) -> None:
    run = compose(["condition=labels", "condition.columns=[segmnt]"])
    with pytest.raises(UserError, match=r"column 'segmnt' is not among .* Did you mean 'segment'"):
        run.check(run.data.split(table))


# Imports


def test_composing_imports_no_heavy_package() -> None:
    heavy = ("wandb", "pandas", "matplotlib", "orbax", "orbax.checkpoint", "sklearn", "duckdb", "scipy", "jinja2")
    composed = "import sys; from gans.config.compose import compose; compose()"
    code = f"{composed}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent.parent,
        env=os.environ,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
