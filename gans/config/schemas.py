"""The schemas of a run and of its components, handed to Hydra: the classes themselves, or their outlines."""

import contextlib
from collections.abc import Iterator
from functools import cache

from gans.config.components import ROOMS, hand_over, has_plugins, load_components
from gans.config.outline import components, outline

SCHEMA = "run_schema"


@cache
def load_schemas() -> None:
    """Import every component and plugin, and hand their schemas and that of a run to Hydra.

    Raises:
        UserError: a plugin cannot be imported.
    """
    from hydra.core.config_store import ConfigStore

    from gans.config.run import Run

    load_components()
    ConfigStore.instance().store(name=SCHEMA, node=Run)


@contextlib.contextmanager
def outlined() -> Iterator[None]:
    """Within, Hydra has outlines as schemas, so that it composes without JAX; the classes where there are plugins.

    Raises:
        UserError: a plugin cannot be imported.
    """
    from hydra.core.config_store import ConfigStore

    if has_plugins():
        load_schemas()
        yield
        return
    store, found = ConfigStore.instance(), components(ROOMS)
    before = store.repo
    store.repo = before | {group: dict(before.get(group, {})) for group in found}
    try:
        hand_over(found)
        store.store(name=SCHEMA, node=outline("gans.config.run", "Run"))
        yield
    finally:
        store.repo = before
