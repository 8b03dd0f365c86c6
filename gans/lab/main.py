"""The command `python -m gans.lab [run=DIR] [port=8765] [open=false]`."""

import os
import webbrowser

from gans.cli.keys import Key, takes
from gans.cli.kinds import RUN, TRUTH, WHOLE
from gans.errors import in_range


@takes(
    Key("run", RUN, "a run with trainer.snapshots=20, finished or still training; default: toys in the plane"),
    Key("port", WHOLE, "port of the page on 127.0.0.1; 0 for any free one", default=8765),
    Key("open", TRUTH, "whether to open a browser; the address is always printed", default=True),
    usages=("", "run=DIR"),
    after="Stop it with Ctrl-C. See docs/lab.md.",
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
