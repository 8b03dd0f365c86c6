"""The command `python -m gans.lab [run=DIR] [port=8765] [open=false]`."""

import os
import sys
import webbrowser

from gans.cli.arguments import key_values
from gans.errors import DONE, in_range, one_of

HELP = """Watch a GAN learn, in a browser on this machine.

  python -m gans.lab                    toys in the plane, every objective and penalty
  python -m gans.lab run=DIR            a run in training or ended, of trainer.snapshots=20

  port=8765     where the page is served, on 127.0.0.1; 0 for any port that is free
  open=true     whether a browser is opened; the address is printed in any case

Ctrl-C ends it. See docs/lab.md.
"""


def main() -> int:
    """Read the arguments, and serve until interrupted."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(HELP)
        return DONE
    given = key_values(sys.argv[1:], {"run": str, "port": int, "open": str})
    in_range("port", given.get("port", 8765), 0, 65_535)
    one_of("open", given.get("open", "true"), ("true", "false"))
    os.environ.setdefault("NPROC", "1")  # XLA's threads: small networks are faster by one, and the page has another
    from gans.lab.page import page_files
    from gans.lab.server import Server

    with Server(page_files(), given.get("port", 8765)) as server:
        page = None
        if "run" in given:
            from gans.lab.replay import Replay

            page = Replay(server, given["run"])
        print(server.address, flush=True)
        if given.get("open", "true") == "true":
            webbrowser.open(server.address)
        if page is None:
            from gans.lab.toys import Toys, options

            server.publish("options", options())
            page = Toys(server, {})
        page.run()
    return DONE
