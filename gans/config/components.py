"""The components that can be chosen: found in the rooms and in plugins, and handed to Hydra as schemas."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from gans.config.outline import components as outlines
from gans.errors import UserError
from gans.registry import COMPONENTS

ROOMS = (
    "privacy",
    "data",
    "data.codecs",
    "networks",
    "objectives",
    "penalties",
    "terms",
    "conditions",
    "refinement",
    "optimizers",
    "tracking",
    "config",
)
PLUGINS = "gans.plugins"
MANY = ("penalty", "term", "logger")


def known(group: str) -> dict[str, type]:
    """The components of a group by name: outlines of those of the package, and classes where they were imported."""
    return {**outlines(ROOMS).get(group, {}), **COMPONENTS.get(group, {})}


def groups() -> list[str]:
    """The groups of components."""
    return list({**outlines(ROOMS), **COMPONENTS})


def component_name(group: str, kind: type) -> str:
    """The name under which a component is selected."""
    return next((name for name, known in COMPONENTS[group].items() if known is kind), kind.__name__)


def group_options(group: str) -> list[str]:
    """The names that a group can be given."""
    named = [path.stem for path in (conf_folder() / group).glob("*.yaml")]
    return sorted({*named, *known(group)})


def conf_folder() -> Path:
    """The folder of the configs: inside an installed package, or beside a checkout's."""
    package = Path(__file__).parent.parent
    return next(path for path in (package / "conf", package.parent / "conf") if path.is_dir())


@cache
def import_components() -> None:
    """Import every component, metric and plugin.

    Raises:
        UserError: a plugin cannot be imported.
    """
    for room in ROOMS:
        package = importlib.import_module(f"gans.{room}")
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg:
                importlib.import_module(f"gans.{room}.{module.name}")
    for plugin in entry_points(group=PLUGINS):
        try:
            plugin.load()
        except Exception as error:
            raise UserError(f"plugin '{plugin.name}' ({plugin.value}) cannot be loaded: {error!r}") from error


@cache
def load_components() -> None:
    """Import every component, metric and plugin, and hand the schemas of components to Hydra.

    Raises:
        UserError: a plugin cannot be imported.
    """
    import_components()
    hand_over(COMPONENTS)


def hand_over(components: Mapping[str, Mapping[str, type]]) -> None:
    """Give Hydra the schemas of components."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    for group, kinds in components.items():
        for name, kind in kinds.items():
            package = f"{group}.{name}" if group in MANY else group
            store.store(group=group, name=f"{name}_schema", node=kind, package=package)
            if not (conf_folder() / group / f"{name}.yaml").exists():
                store.store(group=group, name=name, node=kind, package=package)


def has_plugins() -> bool:
    """Whether a plugin is installed, which may bring components."""
    return bool(tuple(entry_points(group=PLUGINS)))
