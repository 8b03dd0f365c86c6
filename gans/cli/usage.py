"""What `gans train --help` and `gans list` print: groups, their options and keys, with a line about each."""

import dataclasses
import json
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import click

from gans.config.components import MANY, conf_folder, known
from gans.config.outline import explanations

USAGES = (
    ("[+experiment=NAME] [GROUP=NAME ...] [KEY=VALUE ...]", ""),
    ("+experiment=tabular --help", "explain the settings of an experiment"),
    ("data.path=FILE --help", "explain how the file of a table is read, such as data.delimiter"),
    ("-m +experiment=NAME,NAME seed=0,1", "several runs, one after another"),
    ("run_dir=DIR trainer.resume=true", "resume a run; DIR may be last"),
    ("--list", "list the experiments"),
    ("--cfg job", "print the config, and run nothing"),
)
GROUPS = (
    "Groups and their options (experiment and debug take a +; penalties and terms are lists, as in "
    "penalty=[gradient_penalty])"
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
PLUS = ("experiment", "debug")


def group_names() -> list[str]:
    """The groups, by the folders of their files."""
    return sorted(path.name for path in conf_folder().iterdir() if path.is_dir())


def options(group: str) -> dict[str, str]:
    """The options of a group with the first sentence of their files; a plugin without a file with its docstring's."""
    kinds = {} if group in PLUS else known(group)
    found = {name: _sentence((kind.__doc__ or "").split("\n\n", 1)[0]) for name, kind in kinds.items()}
    found.pop("published", None)  # what adult and the other published tables are made of
    for path in sorted((conf_folder() / group).glob("*.yaml")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        comments = [line.removeprefix("#").strip() for line in lines]
        found[path.stem] = _sentence(" ".join(line for line in comments if not line.startswith("@package")))
    return found


def _sentence(text: str) -> str:
    return SENTENCE.split(" ".join(text.split()), maxsplit=1)[0]


def width() -> int:
    """Signs of a line: those of a terminal, or any number where nobody looks on."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000


def listing(rows: Iterable[tuple[str, str]], indent: int = 2) -> str:
    """Names with a text each, wrapped at the width."""
    formatter = click.HelpFormatter(width=width() - 1)
    formatter.current_indent = indent
    rows = list(rows)
    if rows:
        formatter.write_dl(rows, col_max=max(min(max(len(name) for name, _ in rows), 34), 18))
    return formatter.getvalue()


def lines(group: str) -> str:
    """The options of a group, each with its sentence."""
    return listing(options(group).items())


def usage(program: str, arguments: list[str]) -> str:
    """The help of gans train: groups and all keys; with arguments the keys of the run that they describe.

    Raises:
        UserError: the arguments describe none.
    """
    from gans.config.overrides import first_look, implied, read_overrides

    overrides = [argument for argument in arguments if not argument.startswith("-")]
    text = "Train a GAN variant on a table.\n\n"
    text += listing((f"{program} {typed}", said) for typed, said in USAGES)
    if not overrides:
        text += f"\n{textwrap.fill(f'{GROUPS}:', width() - 1)}\n"
        for group in group_names():
            text += f"\n{'+' if group in PLUS else ''}{group}=\n{lines(group)}"
    config = first_look(read_overrides(implied(overrides)))
    text += f"\nSettings of {' '.join(overrides) or 'a run'} and their {'values' if overrides else 'defaults'}:\n"
    for _, rows in groupby(keys_of(config), lambda row: row[0].rpartition(".")[0]):
        text += "\n" + listing((f"{key}={value}", line) for key, value, line in rows)
    return text


def keys_of(config: Any, prefix: str = "") -> list[tuple[str, str, str]]:
    """Every key of a composed config with its value as it is typed and the line about it, those of parts last."""
    from omegaconf import DictConfig, OmegaConf

    lines_of = explanations(kind) if dataclasses.is_dataclass(kind := OmegaConf.get_type(config)) else {}
    own, below = [], []
    for name in map(str, config):
        value = config._get_node(name)
        part = isinstance(value, DictConfig) and (dataclasses.is_dataclass(OmegaConf.get_type(value)) or name in MANY)
        if part and not value._is_none():
            below += keys_of(value, f"{prefix}{name}.")
        else:
            own.append((f"{prefix}{name}", _typed(OmegaConf.create({"": value})[""]), lines_of.get(name, "")))
    return own + below


def _typed(value: Any) -> str:
    """A value as it is typed on a command line."""
    from omegaconf import OmegaConf

    if OmegaConf.is_config(value):
        value = OmegaConf.to_container(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace('"', "")
