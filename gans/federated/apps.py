"""The two apps of Flower for sites on machines of their own: `server` at the SuperLink, `site` at each SuperNode.

A SuperNode starts a process for each message, so a site reads again what was agreed on, its table and its part of the
networks from its folder; compiled programs are kept in the user's cache.
"""

import logging
import shlex
from pathlib import Path
from typing import Any

from gans.config.compose import compose
from gans.config.names import read_number
from gans.errors import UserError, in_range
from gans.federated.agreed import Agreed
from gans.federated.messages import DESCRIBE, JOIN, answer, content, import_flower
from gans.federated.run import federate, stored
from gans.federated.settings import Federation
from gans.federated.site import Site
from gans.tracking.log import set_up_log

import_flower()

from flwr.app import Context, Message  # noqa: E402
from flwr.clientapp import ClientApp  # noqa: E402
from flwr.serverapp import Grid, ServerApp  # noqa: E402

log = logging.getLogger("gans")

AGREEMENT = "agreement"
NODE_KEYS = 'name="north" folder="/srv/gans" data="data=table data.path=/srv/customers.parquet"'

LIMITS = {  # of what a site tells, by key of --node-config: kind, least, and what it is unless said
    "floor_rows": (int, 1, 5),
    "points": (int, 1, 1000),
    "epsilon": (float, 0, None),
    "delta": (float, 0, None),
}

server, site = ServerApp(), ClientApp()


@server.main()
def main(grid: Grid, context: Context) -> None:
    """Train over the sites that are connected, by the settings of the app."""
    set_up_log()
    config = {key: str(value) for key, value in context.run_config.items()}
    settings = dict(one.split("=", 1) for one in shlex.split(config.get("federated", "")))
    overrides = [*shlex.split(config["overrides"]), "data=sites"]
    run = compose(overrides)
    federation = Federation.of(settings)
    if run.run_dir and (Path(run.run_dir).expanduser() / "federated.json").is_file():  # begun: the app goes on with it
        run = compose([*overrides, "trainer.resume=true"])
        run, federation = stored(run, [*overrides, "trainer.resume=true"], settings)
    federate(run, federation, lambda run: grid, show=True)


def _answered(message: Message, context: Context) -> Message:
    set_up_log()
    try:
        own = site_of(context.node_config, message.metadata.message_type not in (DESCRIBE, JOIN))
    except Exception as error:  # of any kind: Flower would send it to the server as it is
        log.error("%s", error)
        return Message(content(error="it cannot; its own log says why"), reply_to=message)
    return answer(own, message)


for _name in ("describe", "join", "count", "sample"):
    site.query(_name)(_answered)
for _register in (site.train(), site.evaluate()):
    _register(_answered)


def site_of(config: Any, joined: bool = True) -> Site:
    """The site of a SuperNode, as its --node-config says.

    Args:
        joined: with what it has agreed on.

    Raises:
        UserError: a key is missing, or the table cannot be read.
    """
    for key in ("name", "folder", "data"):
        if not config.get(key):
            raise UserError(f"--node-config: {key} is not set; it needs '{NODE_KEYS}'.")
    folder = Path(str(config["folder"])).expanduser()
    run = compose(shlex.split(str(config["data"])))
    run.trainer.prepare()
    limits: dict[str, Any] = {}
    for key, (kind, least, usual) in LIMITS.items():
        if (given := config.get(key, usual)) is None:
            continue
        limits[key] = read_number(f"--node-config: {key}", given, kind)
        in_range(f"--node-config: {key}", limits[key], least, open_low=least == 0)
    found = Site(str(config["name"]), run, folder, **limits)
    if joined and (folder / AGREEMENT / "federated.json").is_file():
        found.join(Agreed(folder / AGREEMENT))
    return found
