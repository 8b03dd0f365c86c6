"""The two apps of Flower for sites on machines of their own: `server` at the SuperLink, `site` at each SuperNode.

A SuperNode starts a process for each message, so a site reads again what was agreed on, its table and its part of the
networks from its folder; compiled programs are kept in the user's cache.
"""

import logging
import shlex
from pathlib import Path
from typing import Any

from gans.config.compose import compose
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

OWN = {"floor_rows": 5, "points": 1000}  # what a site tells at most, unless its --node-config says otherwise

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


for _register in (site.query("describe"), site.query("join"), site.query("sample"), site.train(), site.evaluate()):
    _register(_answered)


def whole_number(key: str, value: Any) -> int:
    """A whole number of --node-config, at least 1.

    Raises:
        UserError: it is none.
    """
    try:
        number = int(str(value))
    except ValueError:
        raise UserError(f"--node-config: {key}={value}: a whole number is needed.") from None
    in_range(key, number, 1)
    return number


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
    floor_rows, points = (whole_number(key, config.get(key, least)) for key, least in OWN.items())
    found = Site(str(config["name"]), run, folder, floor_rows=floor_rows, points=points)
    if joined and (folder / AGREEMENT / "federated.json").is_file():
        found.join(Agreed(folder / AGREEMENT))
    return found
