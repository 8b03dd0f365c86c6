"""A folder that `flwr run` takes: a federated run as an app of Flower."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from gans.files import write_text

PROJECT = """# Written by `gans federate app=...`; change what is below [tool.flwr.app.config] at will.
[project]
name = "gans-federated"
version = "1.0.0"
description = "Sites that share no row train a generator together."
license = "Apache-2.0"
dependencies = ["gans[federated]"]

[tool.flwr.app]
publisher = "local"

[tool.flwr.app.components]
serverapp = "federated_run:server"
clientapp = "federated_run:site"

[tool.flwr.app.config]
overrides = {overrides}
federated = {federated}
"""
MODULE = '''"""The apps of this run; see docs/federated.md of gans."""

from gans.federated.apps import server, site

__all__ = ["server", "site"]
'''


def write_app(folder: Path, overrides: Sequence[str], settings: Mapping[str, str]) -> str:
    """Write the app, and say how it is started.

    Args:
        overrides: as of `gans.train`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said = shlex.join(f"{key}={value}" for key, value in settings.items())
    text = PROJECT.format(overrides=json.dumps(shlex.join(overrides)), federated=json.dumps(said))
    write_text(folder / "pyproject.toml", text)
    write_text(folder / "federated_run.py", MODULE)
    return (
        f"{folder} is written. At the server: flower-superlink --insecure; at each site: flower-supernode --insecure "
        f"--superlink HOST:9092 --node-config '...'; then: flwr run {folder} --stream. See docs/federated.md."
    )
