"""A run's config as YAML, read back, and gone on with."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from gans.artefacts import read_yaml, reading
from gans.config.components import MANY, component_name, import_components
from gans.config.compose import hydra_errors, to_run
from gans.config.names import decoded
from gans.config.run import Run
from gans.config.spelling import open_key
from gans.errors import UserError
from gans.registry import COMPONENTS

FREE_ON_RESUME = (
    "run_dir",
    "samples",
    "profile",
    "language",
    "data.trust",
    "tracker.*",
    "logger",
    "logger.*",
    *(
        f"trainer.{key}"
        for key in ("resume", "steps", "block", "evaluate_every", "checkpoint_every", "keep", "placement", "patience")
    ),
    *(f"trainer.{key}" for key in ("cache", "coordinator", "processes", "process", "snapshots")),
)

LATER = {"privacy": "none"}  # components that runs of earlier versions do not name


def to_yaml(run: Run) -> str:
    """A run's config as YAML, each component with the name that selects it, so that `read_run` needs nothing else."""
    from omegaconf import OmegaConf

    chosen = {group: component_name(group, type(getattr(run, group))) for group in _groups()}
    config = OmegaConf.structured(run)
    return OmegaConf.to_yaml(OmegaConf.create({"components": chosen})) + OmegaConf.to_yaml(config)


def read_run(path: Path) -> Run:
    """Read what `to_yaml` wrote. Nothing in it is executed, and `data.trust` counts on a command line only.

    Raises:
        UserError: the file is missing or does not follow the schema.
    """
    from omegaconf import OmegaConf

    import_components()
    if not path.is_file():
        raise UserError(f"{path}: no such file.")
    text = read_yaml(path)
    with reading(path, "the config of a run"), hydra_errors(str(path)):
        stored: Any = OmegaConf.create(text)
        if _interpolates(OmegaConf.to_container(stored)):
            raise UserError("interpolations (${...}) are not read")
        try:
            components: dict[str, str] = {**LATER, **stored.pop("components")}
            fields: dict[str, Any] = {
                group: OmegaConf.merge(_schema(group, name), stored.pop(group, *[{}] * (group in LATER)))
                for group, name in components.items()
            }
            if "trust" in fields["data"]:
                fields["data"].trust = False
            several = {
                group: {
                    name: OmegaConf.merge(_schema(group, name), value) for name, value in stored.pop(group, {}).items()
                }
                for group in MANY
            }
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise UserError(f"it does not follow the schema of a run ({error}).") from None
        return to_run(OmegaConf.merge(OmegaConf.structured(Run), stored, fields, several))


def _interpolates(value: Any) -> bool:
    """Whether a value below refers to another; a key, such as the name of a column, never does."""
    if isinstance(value, dict):
        return any(map(_interpolates, value.values()))
    return any(map(_interpolates, value)) if isinstance(value, list) else isinstance(value, str) and "${" in value


def _schema(group: str, name: str) -> Any:
    from omegaconf import OmegaConf

    if name not in COMPONENTS.get(group, {}):
        raise UserError(f"{group}={name} is not known here; is a plugin missing?")
    return OmegaConf.structured(COMPONENTS[group][name])


def resumed(stored: Run, run: Run, overrides: list[str]) -> Run:
    """A stored run with what `run` has of the keys that may change, as far as they were said on the command line.

    Raises:
        UserError: an override contradicts the stored run.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    old, new = OmegaConf.structured(stored), OmegaConf.structured(run)
    for override in OverridesParser.create().parse_overrides(overrides):
        key, typed = override.key_or_group, decoded(str(override.input_line)).removeprefix("++")
        if key == "debug":
            raise UserError(f"{typed}: a resumed run keeps its settings; leave it out.")
        if any(fnmatch(key, free) for free in FREE_ON_RESUME):
            OmegaConf.update(old, key, OmegaConf.select(new, key))
            continue
        same = type(stored.data) is type(run.data) and stored.data.places() == run.data.places() != {}
        if key == "data" and same:  # what is read is the same; the other keys of data are those of the run
            continue
        key = "name" if key == "experiment" else key
        was, now = (_value_of(config, key) for config in (old, new))
        if was != now or (key in _groups() and OmegaConf.get_type(old, key) != OmegaConf.get_type(new, key)):
            shown = "" if OmegaConf.is_config(was) else f" with {decoded(key)}={was}"
            raise UserError(f"{typed}: {run.run_dir} was started{shown}; a resumed run cannot change this.")
    return to_run(old)


def _value_of(config: Any, key: str) -> Any:
    """The value of a key as in an override; None where there is none."""
    from omegaconf import OmegaConf

    top = open_key(key)
    node = OmegaConf.select(config, top or key)
    for name in filter(None, key.removeprefix(top).split(".")) if top else ():
        node = None if node is None else node.get(decoded(name))
    return node


def _groups() -> list[str]:
    return [group for group in COMPONENTS if group not in MANY]
