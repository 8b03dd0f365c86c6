"""The command `python -m gans.lab [run=DIR] [port=8765] [open=false]`."""

import os
import webbrowser

from gans.cli.keys import Key, takes
from gans.cli.kinds import RUN, TRUTH, WHOLE
from gans.errors import in_range


@takes(
    Key("run", RUN, "a run in training or ended, of trainer.snapshots=20; toys in the plane unless given"),
    Key("port", WHOLE, "where the page is served, on 127.0.0.1; 0 for any port that is free", default=8765),
    Key("open", TRUTH, "whether a browser is opened; the address is printed in any case", default=True),
    usages=("", "run=DIR"),
    after="Ctrl-C ends it. See docs/lab.md.",
)
def command(run: str | None, port: int, open: bool) -> None:
    """Watch a GAN learn, in a browser on this machine: toys with every objective and penalty, or a run."""
    in_range("port", port, 0, 65_535)
    os.environ.setdefault("NPROC", "1")  # XLA's threads: small networks are faster by one, and the page has another
    from gans.lab.page import page_files
    from gans.lab.server import Server

    with Server(page_files(), port) as server:
        page = None
        if run is not None:
            from gans.lab.replay import Replay

            page = Replay(server, run)
        print(server.address, flush=True)
        if open:
            webbrowser.open(server.address)
        if page is None:
            from gans.lab.toys import Toys, options

            server.publish("options", options())
            page = Toys(server, {})
        page.run()
