"""From overrides, as on the command line, to a run: composed by Hydra, checked before anything compiles."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from gans.config.components import conf_folder
from gans.config.names import decoded
from gans.config.overrides import hydra_errors, read_overrides, refuse_open_keys
from gans.config.run import Run
from gans.config.schemas import load_schemas
from gans.config.spelling import OPEN
from gans.errors import UserError


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
        refuse_open_keys(config)
        for key in OPEN:
            _decode_names(OmegaConf.select(config, key))
        run: Any = OmegaConf.to_object(config)
    _refuse_interpolations("", dataclasses.asdict(run))
    return run


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
