"""Every command of the README and of the site: it can be read, and (slow) it runs."""

import ast
import importlib
import json
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import dropwhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from gans.cli.arguments import listed
from gans.cli.keys import KeysCommand
from gans.config.components import component_name
from gans.config.compose import compose, read_overrides
from gans.config.overrides import implied
from gans.config.run import Run
from gans.data.customer_profiles import Profiles

ROOT = Path(__file__).parents[2]
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
TRANSLATED = sorted((ROOT / "docs" / "zh").glob("*.md"))

# what cannot be run by a test, and why; each is a command of a page, or the beginning of one
NOT_RUN = {
    "python -m venv": "makes an environment",
    ". .venv/bin/activate": "enters it",
    "python -m pip install": "installs",
    "python -m pytest": "these very tests",
    "docker": "needs a daemon of Docker, and an image from a registry",
    "gans train -m +experiment=vanilla,cgan seed=0,1 hydra/launcher=submitit_slurm": "needs Slurm",
    "gans train -m +experiment=vanilla,cgan seed=0,1 hydra/launcher=ray": "needs the extra ray",
    "gans compare runs=wandb:entity/project": "needs an account and the network",
    "gans train run_dir=shared/run trainer.coordinator=HOST:1234": "needs a second process on a host",
    "gans quiz report=quiz": "needs people",
    "gans lab": "serves until it is interrupted",
    "gans evaluate run=runs/cgan/DIR network=inception-2015-12-05.pt": "needs torch and a published file",
}

# what is made smaller
SMALLER = {
    "n=10_000_000": "n=3000",
    "n=1e7": "n=3000",
    "trials=20": "trials=2",
    "trials=16": "trials=4",
    " steps=500": " steps=20",
    "trainer.seeds=8": "trainer.seeds=2",
    "trainer.seeds=5": "trainer.seeds=3",
    "draws=3": "draws=2",
    "federated.rounds=50": "federated.rounds=2",
}
SHORT = ("+debug=limit", "data.limit=1200", "trainer.steps=20", "samples=1100", "tracker.mode=disabled")
PERCEPTRONS = ("network.latent=8", "network.generator_widths=[16,16]", "network.discriminator_widths=[16,8]")
TINY = dict.fromkeys(("mlp", "mlp_critic"), PERCEPTRONS) | {
    "residual": ("network.width=16", "network.discriminator_width=16", "network.blocks=1"),
    "dcgan": ("network.channels=4",),
    "residual_conv": ("network.channels=4",),
}
TOLD = ("--help", "--list", "--cfg", "-c", "--info")  # what prints, and trains nothing
PRIVATE = ("samples=1100", "tracker.mode=disabled", "network.components=16", "privacy.iterations=5")
PLAIN = ("network.head=plain", "refine=none")  # with the many columns of profiles both take minutes
REFINED = ("refine.trees=20", "refine.candidates=2")


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """Those of a language in their order, without the indent that they have within tabs."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, name, block in found if name == language]


def commands(page: Path) -> list[str]:
    """Single commands in their order; a loop of the shell is one."""
    lines = [line for block in blocks(page, "bash") for line in block.splitlines() if line.strip()]
    return [part for line in lines for part in ([line] if line.startswith("for ") else re.split(r"\s+&&\s+", line))]


def words(command: str) -> list[str]:
    return shlex.split(command, comments=True)


def reason(command: str) -> str | None:
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), None)


def called(command: str) -> tuple[str, list[str]] | None:
    """The module and the arguments of `python -m gans.MODULE ...`, or of `gans MODULE ...`."""
    found = words(command)
    if found[:2] == ["python", "-m"] and found[2].startswith("gans."):
        return found[2], found[3:]
    rest = list(dropwhile(lambda word: word in ("-q", "-v"), found[1:]))
    return (f"gans.{rest[0]}", rest[1:]) if found[:1] == ["gans"] and rest and rest[0].isalpha() else None


def calls() -> list[tuple[str, tuple[str, ...]]]:
    """Those of all pages, each once; of a loop the command in it."""
    out: dict[tuple[str, tuple[str, ...]], None] = {}
    for page in PAGES:
        for command in commands(page):
            inner = re.search(r"do (.*?) &", command) if command.startswith("for ") else None
            if found := called(inner[1] if inner else command):
                out[found[0], tuple(one.replace("run=last", "run=DIR") for one in found[1])] = None  # none is there
    return list(out)


def first_values(overrides: list[str]) -> Iterator[str]:
    """Of a sweep the first values."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parser = OverridesParser.create()
    for override in map(parser.parse_override, read_overrides(overrides)):
        if override.is_sweep_override():
            prefix = str(override.input_line).split("=")[0]
            yield f"{prefix}={next(iter(override.sweep_string_iterator()))}"
        elif not override.key_or_group.startswith("hydra"):
            yield str(override.input_line)


@cache
def read(module: str, arguments: tuple[str, ...]) -> Any:
    """What a command makes of its arguments: a run, or its keys."""
    if set(TOLD) & set(arguments):
        return None
    given = [argument for argument in arguments if not argument.startswith("-")]
    said, others = importlib.import_module(module).command.read(arguments)
    if module == "gans.profiles":
        given = [argument for argument in given if not argument.startswith("out=")]
        return compose(given if any(one.startswith("data=") for one in given) else ["data=profiles", *given])
    if module == "gans.tune":
        from gans.sweeps.space import example_run, read_space

        return example_run(*read_space(others))
    if module == "gans.train":
        return compose(list(first_values(implied(others))))
    return None if others else said


# read


def test_the_chinese_readme_has_the_commands_of_the_english_one():
    for language in ("bash", "python", ""):
        assert blocks(CHINESE, language) == blocks(README, language)


def test_both_readmes_have_the_same_sections_and_names():
    english, chinese = map(prose, (README, CHINESE))
    headings = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (english, chinese)]
    assert headings[0] == headings[1]
    names = [{" ".join(name.split()) for name in re.findall(r"`([^`]+)`", text)} for text in (english, chinese)]
    assert not names[0] - names[1]


@pytest.mark.parametrize("page", TRANSLATED, ids=lambda page: page.name)
def test_a_translated_page_has_commands_of_the_english_one_only(page):
    english = commands(ROOT / "docs" / page.name)
    assert commands(page)
    assert not [command for command in commands(page) if command not in english]


@pytest.mark.parametrize("module", sorted({module for module, _ in calls()}))
def test_a_command_is_there_and_reads_its_arguments(module):
    assert isinstance(importlib.import_module(module).command, KeysCommand)
    for name, arguments in calls():
        if name != module:
            continue
        found = read(name, arguments)
        given = dict(one.split("=", 1) for one in arguments if "=" in one and not one.startswith("-"))
        if isinstance(found, Run):
            assert found.name == given.get("+experiment", given.get("name", found.name)).split(",")[0]
        elif name != "gans.tune" and found is not None:
            for key, value in given.items():  # a number may be written in another way
                name, _, below = key.partition(".")
                got = found[key] if key in found else found[name][below]
                same = got == (listed(value) if isinstance(got, list) else value)
                assert same or str(got) in (value, value.capitalize()) or got == float(value), f"{key}={value}"


def test_what_is_not_run_is_in_the_docs():
    everything = [command for page in PAGES for command in commands(page)]
    assert not [start for start in NOT_RUN if not any(command.startswith(start) for command in everything)]
    text = "\n".join(everything)
    assert not [part for part in SMALLER if part not in text]


def test_blocks_of_python_are_python_and_import_what_is_there():
    imported = 0
    for page in PAGES:
        for block in blocks(page, "python"):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gans":
                    module = importlib.import_module(str(node.module))
                    missing = [name.name for name in node.names if not hasattr(module, name.name)]
                    assert not missing, f"{page.name}: from {node.module} import {', '.join(missing)}"
                    imported += len(node.names)
    assert imported


# run


def customers(rows: int, seed: int) -> pa.Table:
    """A table with every column that a page names."""
    rng = np.random.default_rng(seed)
    age, number = rng.integers(18, 90, rows), np.arange(rows)
    opened = rng.integers(15_000, 19_000, rows)
    income = (rng.gamma(3, 900, rows) + 20 * age).round(2)
    return pa.table(
        {
            "customer_id": [f"C{seed}{one:06}" for one in number],
            "email": [f"{one}.{seed}@example.org" for one in number],
            "zip": rng.choice([10115, 20095, 50667, 80331], rows),
            "age": age,
            "segment": np.where(age < 30, "young", np.where(age < 60, "middle", "old")),
            "income": income,
            "plan": rng.choice(["free", "basic", "gold"], rows, p=[0.5, 0.3, 0.2]),
            "opened": pa.array(opened.astype(np.int32), pa.date32()),
            "closed": pa.array((opened + rng.integers(0, 900, rows)).astype(np.int32), pa.date32()),
            "churned": np.where(rng.random(rows) < 0.2 + 0.4 * (income < 3000), "yes", "no"),
        }
    )


SITES = """
columns:
  zip: {kind: integer, low: 10000, high: 99999, bins: 4}
  age: {kind: integer, low: 18, high: 90, bins: 4}
  segment: {kind: category, levels: [young, middle, old]}
  income: {kind: numeric, low: 0, high: 100000, bins: 5}
  plan: {kind: category, levels: [free, basic, gold]}
  opened: {kind: datetime, low: 2010-01-01, high: 2025-12-31, bins: 3}
  closed: {kind: datetime, low: 2010-01-01, high: 2025-12-31, bins: 3}
  churned: {kind: category, levels: ["no", "yes"]}
"""


def write_inputs(folder: Path) -> None:
    """The files that pages take for granted."""
    import duckdb
    from matplotlib import image

    table = customers(1500, 0)
    pyarrow.csv.write_csv(table, folder / "customers.csv")
    pyarrow.csv.write_csv(customers(400, 1), folder / "unseen.csv")
    pyarrow.csv.write_csv(customers(400, 2), folder / "few.csv")
    (folder / "sites.yaml").write_text(SITES)
    (folder / "sites").mkdir()
    for part in range(3):
        pq.write_table(table.slice(500 * part, 500), folder / "sites" / f"{part}.parquet")
    (folder / "customers").mkdir()
    for part in range(2):
        pq.write_table(table.slice(750 * part, 750), folder / "customers" / f"{part}.parquet")
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.register("given", table)
        connection.execute("create table customers as select * from given")
    rng = np.random.default_rng(0)
    for label in ("cats", "dogs"):
        (folder / "photos" / label).mkdir(parents=True)
        for number in range(60):
            image.imsave(folder / "photos" / label / f"{number}.png", rng.random((32, 32, 3)))


def asked_columns(arguments: list[str]) -> set[str]:
    """The columns that `where`, `relations` and `secrets` name."""
    asked = ("where=", "relations=", "secrets=")
    texts = [argument.partition("=")[2] for argument in arguments if argument.startswith(asked)]
    names = re.findall(r"[a-z_]+", re.sub(r"'[^']*'", "", " ".join(texts)))
    return set(names) - {"and", "in", "not", "is", "null", "if", "then"}


def settled(argument: str, columns: set[str]) -> str:
    """With DIR the newest run of that name that has the columns, with TIME the newest sweep."""
    if "sweeps/TIME" in argument:
        return argument.replace("TIME", max(Path("runs/sweeps").iterdir()).name)
    found = re.search(r"(runs/\w+)/DIR", argument)
    if not found:
        return argument
    runs = sorted(Path(found[1]).iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)

    def has(run: Path) -> bool:
        return columns <= {column["name"] for column in json.loads((run / "schema.json").read_text())["columns"]}

    return argument.replace(found[0], str(next(filter(has, runs))))


# what `runs` holds where the README compares runs: by then its own are of many tables
COMPARED = (
    "+experiment=vanilla seed=0 run_dir=runs/vanilla/0",
    "+experiment=vanilla seed=1 run_dir=runs/vanilla/1",
    "+experiment=wgan_gp seed=0 optimizer.learning_rate=1e-4 run_dir=runs/wgan_gp/0",
    "+experiment=wgan_gp seed=1 optimizer.learning_rate=5e-4 run_dir=runs/wgan_gp/1",
)


def smaller(command: str) -> str:
    for old, new in SMALLER.items():
        command = command.replace(old, new)
    return command


def appended(module: str, arguments: list[str]) -> tuple[str, ...]:
    """What makes a training short."""
    if module == "gans.federate" and any(argument.startswith("sites=") for argument in arguments):
        return ("federated.local_steps=2", "network.width=16", "network.discriminator_width=16", *SHORT[3:])
    if module not in ("gans.train", "gans.tune") or {*TOLD, "trainer.resume=true"} & set(arguments):
        return ()
    run = read(module, tuple(arguments))
    if run.privacy.private:
        return PRIVATE
    tiny = TINY.get(component_name("network", type(run.network)), ())
    refined = component_name("refine", type(run.refine)) == "boosted"
    return SHORT + tiny + ((PLAIN if isinstance(run.data, Profiles) else REFINED) if refined else ())


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_every_command_of_a_page_runs(page: Path, command: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    write_inputs(tmp_path)
    failed = []
    for text in commands(page):
        if reason(text):
            continue
        line = smaller(text)
        if line.startswith("for "):
            line = line.replace("runs/tabular/DIR", settled("runs/tabular/DIR", set())).replace(
                "python", sys.executable
            )
            done = subprocess.run(["bash", "-ec", line], capture_output=True, text=True)
            if done.returncode or "error" in done.stderr.lower():  # those in the background have no status
                failed.append((text, done.returncode, done.stderr[-2000:]))
            continue
        found = called(line)
        assert found, f"{text}: it is no command of gans; say in NOT_RUN why it is not run"
        module, arguments = found
        if "real=customers.csv" in arguments and page == README:  # there rows.csv is of the households by now
            pyarrow.csv.write_csv(customers(1500, 2), tmp_path / "rows.csv")
        study = tmp_path / "study" if module == "gans.compare" and page == README else tmp_path
        new = not study.exists()
        study.mkdir(exist_ok=True)
        monkeypatch.chdir(study)
        for one in COMPARED if new else ():
            assert command("train", *one.split(), *SHORT, *PERCEPTRONS).status == 0
        arguments = [settled(argument, asked_columns(arguments)) for argument in arguments]
        try:
            said = command(module.removeprefix("gans."), *arguments, *appended(module, arguments))
        except Exception as error:
            failed.append((text, "crashed", repr(error)))
        else:
            if said.status:
                failed.append((text, said.status, (said.out + said.err)[-2000:]))
    assert not failed, "\n\n".join(f"{text}\nstatus {status}\n{said}" for text, status, said in failed)
