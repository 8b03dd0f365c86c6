"""From overrides, as on the command line, to a run: composed by Hydra, checked before anything compiles."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from gans.config.components import MANY, conf_folder, group_options, load_components
from gans.config.errors import explain, missing_option
from gans.config.run import Run
from gans.errors import UserError
from gans.registry import COMPONENTS

OPEN = ("data.kinds", "data.columns", "data.features")  # whose names below are the user's own
PATHS = ("data.path", "data.root", "data.orders", "data.views", "data.social", "data.customers", "run_dir")
SQL = ("data.query", "data.columns.", "data.features.")


@cache
def load_schemas() -> None:
    """Import every component and plugin, and hand their schemas and that of a run to Hydra.

    Raises:
        UserError: a plugin cannot be imported.
    """
    from hydra.core.config_store import ConfigStore

    load_components()
    ConfigStore.instance().store(name="run_schema", node=Run)


def read_overrides(arguments: Sequence[str]) -> list[str]:
    """Overrides as Hydra takes them: with a + where one is due and nowhere else, debug last.

    Raises:
        UserError: an argument is not KEY=VALUE, or a group is given something else than names.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser, out = OverridesParser.create(), []
    for argument in arguments:
        plain = argument.lstrip("+")
        if plain.startswith(("experiment=", "debug=")):
            argument = f"+{plain}"
        elif plain.startswith(OPEN) and plain[len(next(filter(plain.startswith, OPEN))) :][:1] in (".", "="):
            argument = f"++{plain}"
        elif not plain.startswith("hydra"):
            argument = plain
        key, _, value = argument.partition("=")
        odd = key in PATHS and re.search(r"[\s()'\"*?\[\]]", value)
        sql = key.lstrip("+").startswith(SQL)
        if ((odd or sql) and value[:1] not in ("'", '"')) or (sql and value[:1] == '"' and key != "data.query"):
            argument = f"{key}=" + "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        try:
            override = parser.parse_override(argument)
        except HydraException as error:
            reason = str(error).split("\n", 1)[0]
            raise UserError(
                f"{argument}: not KEY=VALUE as in +experiment=cgan or trainer.steps=1000 ({reason})."
            ) from None
        group = override.key_or_group
        if group in COMPONENTS and not override.is_sweep_override():
            value = override.value()
            names = value if isinstance(value, list) and group in MANY else [value]
            if not all(isinstance(name, str) and not name.endswith("_schema") for name in names):
                raise UserError(f"{argument}: allowed are {', '.join(group_options(group))}.")
        out.append(argument)
    return sorted(out, key=lambda argument: argument.startswith("+debug="))


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
        return OmegaConf.to_object(config)  # pyright: ignore[reportReturnType]


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
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    prefix = f"{where}: " if where else ""
    try:
        yield
    except UserError as error:
        raise UserError(prefix + str(error)) from None
    except MissingConfigException as error:
        raise UserError(prefix + missing_option(error)) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(prefix + explain(error, known_keys)) from None
    except YAMLError as error:
        raise UserError(prefix + f"not readable as YAML: {' '.join(str(error).split())}") from None
