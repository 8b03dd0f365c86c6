"""From overrides, as on the command line, to a run: composed by Hydra, checked before anything compiles."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from gans.config.components import MANY, conf_folder, group_options, load_components
from gans.config.errors import explain, missing_option, unknown_key
from gans.config.names import decoded
from gans.config.run import Run
from gans.config.spelling import OPEN, key_types, spelled
from gans.errors import UserError
from gans.registry import COMPONENTS


@cache
def load_schemas() -> None:
    """Import every component and plugin, and hand their schemas and that of a run to Hydra.

    Raises:
        UserError: a plugin cannot be imported.
    """
    from hydra.core.config_store import ConfigStore

    load_components()
    ConfigStore.instance().store(name="run_schema", node=Run)


def read_overrides(arguments: Sequence[str], multirun: bool = False) -> list[str]:
    """Overrides as Hydra takes them: with a + where one is due and nowhere else, debug last.

    Args:
        multirun: whether a comma parts the values of a sweep.

    Raises:
        UserError: an argument is not KEY=VALUE, or a group is given something else than names.
    """
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
    if group in COMPONENTS and not override.is_sweep_override():
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
    if equals and key.partition(".")[0] in COMPONENTS and "." in key:
        return unknown_key(".".join(key.split(".")[:2]), known_keys())
    return f"{argument}: not KEY=VALUE as in +experiment=cgan or trainer.steps=1000 ({reason})."


def compose(overrides: Sequence[str] = ()) -> Run:
    """A run from conf/ and overrides as on the command line.

    Raises:
        UserError: an unknown key, option or experiment, a wrong type, or a value out of range.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    load_schemas()
    with hydra_errors():
        if GlobalHydra.instance().is_initialized():
            return to_run(hydra_compose("train", overrides=read_overrides(overrides)))
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            return to_run(hydra_compose("train", overrides=read_overrides(overrides)))


def to_run(config: Any) -> Run:
    """The objects that a composed config describes.

    Raises:
        UserError: a value is out of range.
    """
    from omegaconf import OmegaConf

    with hydra_errors():
        for key in OPEN:
            names = OmegaConf.select(config, key)
            if names is not None and not _is_field(OmegaConf.get_type(config[key.partition(".")[0]]), key):
                raise UserError(unknown_key(key, known_keys()))
            _decode_names(names)
        run: Any = OmegaConf.to_object(config)
    _refuse_interpolations("", dataclasses.asdict(run))
    return run


def _is_field(part: Any, key: str) -> bool:
    """Whether a part of a run has a key such as `data.kinds`; one that is added by ++ is not refused by Hydra."""
    return key.partition(".")[2] in {field.name for field in dataclasses.fields(part)}


def _decode_names(node: Any) -> None:
    """Give the keys of a config, and of those in it, the names that stood on the command line."""
    from omegaconf import DictConfig, open_dict

    if not isinstance(node, DictConfig) or node._is_none():
        return
    with open_dict(node):
        for name in list(node):
            _decode_names(node._get_node(name))
            if decoded(str(name)) != name:
                node[decoded(str(name))] = node.pop(name)


def _refuse_interpolations(key: str, value: Any) -> None:
    """Raise UserError where a text holds `${`, which would mean something else when the run is read back."""
    if isinstance(value, str) and "${" in value:
        raise UserError(f"{key}={value}: '${{' begins an interpolation in a stored run; give it another name.")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_interpolations(f"{key}.{name}" if key else str(name), inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_interpolations(key, inner)


def known_keys() -> list[str]:
    """Every key of the default run, for the nearest match."""
    from omegaconf import DictConfig, OmegaConf

    def walk(node: Any, prefix: str) -> Iterator[str]:
        for key in node:
            yield f"{prefix}{key}"
            child = node._get_node(key)
            if isinstance(child, DictConfig) and not child._is_none():
                yield from walk(child, f"{prefix}{key}.")

    return list(walk(OmegaConf.structured(compose()), ""))


@contextlib.contextmanager
def hydra_errors(where: str = "") -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise into a UserError with the full key, what is allowed and the nearest match."""
    prefix = f"{where}: " if where else ""
    try:
        yield
    except UserError as error:
        raise UserError(prefix + str(error)) from None
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        raise UserError(prefix + told) from None


def _told(error: Exception) -> str | None:
    """What Hydra, OmegaConf or the reader of YAML means; None of any other error."""
    from hydra.errors import HydraException, MissingConfigException  # whose import takes longer than reading a config
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if isinstance(error, MissingConfigException):
        return missing_option(error)
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        return decoded(explain(error, known_keys))
    if isinstance(error, YAMLError):
        return f"not readable as YAML: {' '.join(str(error).split())}"
    return None
