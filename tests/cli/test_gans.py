"""The command `gans`: its commands, what Hydra's habits do, and that texts need no heavy import."""

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gans.__main__ import COMMANDS, gans
from gans.cli.keys import KeysCommand, run_click
from gans.cli.usage import group_names, keys_of, options
from gans.config.components import conf_folder
from gans.config.overrides import first_look, read_overrides
from gans.errors import UserError

ROOT = Path(__file__).parents[2]
NAMES = [name for names in COMMANDS.values() for name in names]


def run(*arguments: str) -> int:
    return run_click(gans, arguments, "gans")


def test_every_command_is_a_module_and_the_other_way_round() -> None:
    found = {}
    for path in [*ROOT.glob("gans/*.py"), *ROOT.glob("gans/*/__init__.py")]:
        module = path.parent.name if path.name == "__init__.py" else path.stem
        if module != "__main__" and re.search(r"^(@takes|from .* import command)\b", path.read_text(), re.MULTILINE):
            found[module] = importlib.import_module(f"gans.{module}").command
    assert set(found) == set(NAMES)
    assert all(isinstance(command, KeysCommand) for command in found.values())


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("-q", "--help")])
def test_help_names_every_command(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 0
    said = capsys.readouterr().out
    for name in NAMES:
        assert re.search(rf"^  {name}  +\S", said, re.MULTILINE)
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_is_the_same_in_both_ways(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == 0
    by_gans = capsys.readouterr().out
    assert importlib.import_module(f"gans.{name}").command.run(["--help"], f"gans {name}") == 0
    assert by_gans == capsys.readouterr().out
    assert f"  gans {name} " in by_gans


def test_what_is_no_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        UserError, match=r"^trian: there is no such command; there are train, .* Did you mean 'train'\?$"
    ):
        run("trian", "+experiment=vanilla")
    assert run("--version") == 0
    assert re.fullmatch(r"gans \d+\.\d+\S*\n", capsys.readouterr().out)


def test_quiet_stands_before_or_behind_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for arguments in (("-q", "simulate"), ("simulate", "-q")):
        out = tmp_path / arguments[0]
        assert run(*arguments, "customers=5", f"out={out}") == 0
        assert (out / "orders.parquet").is_file()
        assert capsys.readouterr() == ("", "")


TEXTS = """
import sys
from gans.__main__ import gans
from gans.cli.keys import run_click
from gans.errors import UserError

def loaded(names):
    return sorted({"jax", "flax", "pandas", "sklearn", "pyarrow", "numpy", "hydra", "rich"} & set(sys.modules) & names)

def call(*arguments):
    try:
        run_click(gans, arguments, "gans")
    except UserError as error:
        print("error:", error, file=sys.stderr)

everything = {"jax", "flax", "pandas", "sklearn", "pyarrow", "numpy", "hydra", "rich"}
call("--help")
call("list")
call("list", "network")
call("sample", "--help")
call("sample", "n=many")
print(loaded(everything), file=sys.stderr)
call("train", "+experiment=tabular", "--help")
call("train", "+experiment=nosuch")
call("train", "optimizer.lr=1")
call("train", "trainer.steps=0")
call("train", "--cfg", "job")
print(loaded(everything - {"hydra"}), file=sys.stderr)
"""


def test_texts_and_mistakes_need_no_heavy_import(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TEXTS], capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [line for line in done.stderr.splitlines() if line not in errors] == ["[]", "[]"]
    said = ("n=many: ", "+experiment=nosuch: ", "unknown key optimizer.lr; ", "trainer.steps=0: ")
    assert all(line.startswith(f"error: {text}") for line, text in zip(errors, said, strict=True))
    assert list(tmp_path.iterdir()) == []


# gans train


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--frobnicate",), "unknown option --frobnicate; there are -m, --multirun, "),
        (("--cfg", "jobs"), "--cfg=jobs: allowed are job, hydra, all."),
        (("--info", "default"), "default: KEY=VALUE is meant"),
        (("run_dir=last",), "run_dir=last: it means the newest run;"),
        (("data.path=no.csv",), "data.path=no.csv: no such file."),
        (("seed=0,1",), "seed=0,1: several values are a sweep, which needs -m;"),
    ],
)
def test_mistakes_of_train(arguments: tuple[str, ...], said: str, command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", *arguments)
    assert (done.status, done.out) == (2, "")
    assert f"error: {said}" in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_config_is_printed_as_hydra_does(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", "--cfg", "job", "+experiment=wgan_gp", "seed=7")
    assert done.status == 0, done.err
    config = yaml.safe_load(done.out)
    assert (config["name"], config["seed"], config["trainer"]["critic_steps"]) == ("wgan_gp", 7, 5)
    part = command("train", "-c", "job", "-p", "optimizer", "optimizer.b1=0.25")
    assert yaml.safe_load(part.out)["b1"] == 0.25
    told = command("train", "--info", "defaults", "+experiment=wgan_gp")
    assert (told.status, "experiment/wgan_gp" in told.out) == (0, True)
    assert command("train", "--info").status == 0
    assert list(tmp_path.iterdir()) == []


def test_help_behind_an_experiment_explains_each_of_its_keys(command: Callable[..., Any]) -> None:
    done = command("train", "+experiment=wgan_gp", "trainer.steps=7", "--help")
    assert (done.status, done.err) == (0, "")
    rows = dict(re.findall(r"^  ([a-z_.0-9]+)=(\S*)", done.out, re.MULTILINE))
    config = first_look(read_overrides(["+experiment=wgan_gp", "trainer.steps=7"]))
    assert set(rows) == {key for key, _, _ in keys_of(config)}
    assert (rows["trainer.steps"], rows["trainer.critic_steps"], rows["data.limit"]) == ("7", "5", "null")
    assert rows["penalty.gradient_penalty.weight"] == "10.0"
    assert "experiment=\n" not in done.out
    wrong = command("train", "+experiment=nosuch", "--help")
    assert (wrong.status, wrong.out) == (2, "")


@pytest.mark.parametrize("name", sorted(path.stem for path in (conf_folder() / "experiment").glob("*.yaml")))
def test_no_key_of_an_experiment_lacks_a_line(name: str) -> None:
    assert not [key for key, _, line in keys_of(first_look(read_overrides([f"+experiment={name}"]))) if not line]


@pytest.mark.parametrize("group", group_names())
def test_lists_have_whole_sentences(group: str, command: Callable[..., Any]) -> None:
    done = command("list", group)
    listed = dict(re.findall(r"^  (\S+) +(.*)$", done.out, re.MULTILINE))
    assert set(listed) == {path.stem for path in (conf_folder() / group).glob("*.yaml")} | set(options(group))
    for name, line in listed.items():
        path = conf_folder() / group / f"{name}.yaml"
        comments = [text[1:].strip() for text in path.read_text().splitlines() if text.startswith("#")]
        whole = " ".join(text for text in comments if not text.startswith("@package"))
        assert whole.startswith(line)
        assert line.endswith((".", ":", "?")) or line == whole


def test_a_list_of_what_is_no_group(command: Callable[..., Any]) -> None:
    assert "group=netwrok: allowed are " in command("list", "netwrok").err
    assert "one group is listed at a time" in command("list", "network", "data").err


@pytest.mark.usefixtures("no_report")
def test_what_fails_in_a_run_is_our_line_alone(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tiny: tuple[str, ...]
) -> None:
    from gans.sweeps import jobs

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "run/config.yaml")

    monkeypatch.setattr(jobs, "execute", full)
    done = command("train", "+debug=limit", *tiny)
    assert done.status == 2
    assert done.err.splitlines()[-1].startswith("error: cannot write run/config.yaml: No space left on device")
    assert "Error executing job" not in done.err
