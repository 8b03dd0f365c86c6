"""Overrides of a command line: as Hydra takes them, with what they imply, and a first look at them without JAX."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from gans.config.components import MANY, conf_folder, group_options, groups, has_plugins, known, load_components
from gans.config.errors import explain, missing_option, unknown_key
from gans.config.known import key_types
from gans.config.names import decoded
from gans.config.outline import check
from gans.config.schemas import outlined
from gans.config.spelling import OPEN, spelled
from gans.data.formats import format_of
from gans.errors import UserError

log = logging.getLogger("gans")

# what a table of the user's is read by; the first that has all keys that are set is meant
IMPLIED = {"table": ("path",), "sql": ("query", "database"), "profiles": ("orders", "views", "social", "customers")}


def read_overrides(arguments: Sequence[str], multirun: bool = False) -> list[str]:
    """Overrides as Hydra takes them: with a + where one is due and nowhere else, debug last.

    Args:
        arguments: those of the command line.
        multirun: whether a comma parts the values of a sweep.

    Raises:
        UserError: an argument is not KEY=VALUE, or a group is given something else than names.
    """
    if has_plugins():
        load_components()
    out = []
    for argument in arguments:
        plain = argument.lstrip("+")
        if plain.startswith(("experiment=", "debug=")):
            argument = f"+{plain}"
        elif not plain.startswith("hydra"):
            argument = plain
        out += [_checked(override) for override in spelled(argument, multirun)]
    return sorted(out, key=lambda argument: argument.startswith("+debug="))


def _checked(argument: str) -> str:
    """An override that Hydra reads, and whose group has such options."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(argument)
    except HydraException as error:
        raise UserError(_unreadable(decoded(argument), str(error).split("\n", 1)[0])) from None
    group = override.key_or_group
    if group in groups() and not override.is_sweep_override():
        value = override.value()
        names = value if isinstance(value, list) and group in MANY else [value]
        if not all(isinstance(name, str) and not name.endswith("_schema") for name in names):
            raise UserError(f"{argument}: allowed are {', '.join(group_options(group))}.")
    return argument


def _unreadable(argument: str, reason: str) -> str:
    """Why Hydra cannot read an override, in words."""
    key, equals, _ = argument.partition("=")
    key = key.lstrip("+~")
    if equals and (types := key_types(key)):
        names = sorted({getattr(kind, "__name__", str(kind)) for kind in types})
        return f"{argument}: a value of type {' or '.join(names)} is needed."
    if equals and key.partition(".")[0] in groups() and "." in key:
        return unknown_key(".".join(key.split(".")[:2]))
    if equals:
        return f"{argument}: not KEY=VALUE as in +experiment=cgan or trainer.steps=1000 ({reason})."
    if format_of(Path(argument)):
        return f"{argument}: not KEY=VALUE. Did you mean data.path={argument}?"
    if argument in group_options("experiment"):
        return f"{argument}: not KEY=VALUE. Did you mean +experiment={argument}?"
    return f"{argument}: KEY=VALUE is meant, as in +experiment=cgan or trainer.steps=1000."


def implied(arguments: Sequence[str]) -> list[str]:
    """The arguments, with the data=NAME that they leave out where a key such as data.path says it; it is said."""
    names = [argument.lstrip("+").partition("=")[0] for argument in arguments]
    places = {key for keys in IMPLIED.values() for key in keys}
    asked = [name.removeprefix("data.") for name in names if name.removeprefix("data.") in places and "." in name]
    if not asked or "data" in names or any(map(_chooses_data, arguments)):
        return list(arguments)
    for name in IMPLIED:
        if set(asked) <= set(known("data")[name].__dataclass_fields__):
            log.info("data=%s, because data.%s is set", name, asked[0])
            return [*arguments, f"data={name}"]
    return list(arguments)


def _chooses_data(argument: str) -> bool:
    """Whether an argument is an experiment with a table of its own."""
    group, _, name = argument.lstrip("+").partition("=")
    path = conf_folder() / group / f"{name}.yaml"
    if group not in ("experiment", "debug") or not path.is_file():
        return False
    chosen = yaml.safe_load(path.read_text(encoding="utf-8")).get("defaults", [])
    return any("override /data" in entry for entry in chosen if isinstance(entry, dict))


def first_look(overrides: Sequence[str], files: bool = False) -> Any:
    """The config of overrides that `read_overrides` gave; what must go together is not looked at.

    Args:
        overrides: of one run.
        files: whether the file that data=table names must be there.

    Raises:
        UserError: an unknown key, option or experiment, or a value of the wrong type or out of range.
    """
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with outlined(), hydra_errors(), initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose("train", overrides=list(overrides))
        refuse_open_keys(config)
        for name in config:
            several = name in MANY
            for part in config[name].values() if several else [config[name]]:
                if OmegaConf.is_config(part):
                    check(part, files)
        return config


def refuse_open_keys(config: Any) -> None:
    """Raise UserError where a key such as `data.kinds`, which is added by ++, is none of what was chosen."""
    from omegaconf import OmegaConf

    for key in OPEN:
        part, _, name = key.partition(".")
        kind: Any = OmegaConf.get_type(config[part])
        if OmegaConf.select(config, key) is not None and name not in kind.__dataclass_fields__:
            raise UserError(unknown_key(key, kind))


@contextlib.contextmanager
def hydra_errors(where: str = "") -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise into a UserError with the full key, what is allowed and the nearest match."""
    prefix = f"{where}: " if where else ""
    try:
        yield
    except UserError as error:
        raise UserError(prefix + str(error)) from None
    except Exception as error:
        meant = _meant(error)
        if meant is None:
            raise
        raise UserError(prefix + meant) from None


def _meant(error: Exception) -> str | None:
    """What Hydra, OmegaConf or the reader of YAML means by an error; None of any other."""
    from hydra.errors import HydraException, MissingConfigException  # whose import takes longer than reading a config
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if isinstance(error, MissingConfigException):
        return missing_option(error)
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        return decoded(explain(error))
    if isinstance(error, YAMLError):
        return f"not readable as YAML: {' '.join(str(error).split())}"
    return None
