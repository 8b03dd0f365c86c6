"""Does a page that looks on slow a toy down? Steps a second with and without one, in one process.

    python scripts/benchmark_lab.py [seconds=10] [rounds=3] [browser=chromium]

  browser   a Chromium that shows the page without a window; none for a page that is read and not drawn

Prints the seconds until the page is served, and until the first step; the bytes of a look; steps a second without and
with a page by turns, with their ratio; and the memory of the process before and after.
"""

import contextlib
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, WHOLE
from gans.errors import in_range

BEGAN = time.monotonic()


@takes(Key("seconds", WHOLE, default=10), Key("rounds", WHOLE, default=3), Key("browser", FILE), text=__doc__)
def main(seconds: int, rounds: int, browser: str | None) -> int:
    in_range("seconds", seconds, 1)
    in_range("rounds", rounds, 1)
    os.environ.setdefault("NPROC", "1")  # as the lab does
    from gans.lab.page import page_files
    from gans.lab.server import Server

    with Server(page_files(), 0) as server:
        print(f"the page is served after {time.monotonic() - BEGAN:.2f} s")
        from gans.lab.toys import Toys, options

        server.publish("options", options())
        toys = Toys(server, {})
        threading.Thread(target=toys.run, daemon=True).start()
        while not toys.steps():
            time.sleep(0.01)
            if toys.ready:
                server.said.put((0, {"do": "play"}))
        print(f"the first step after {time.monotonic() - BEGAN:.2f} s")
        time.sleep(seconds)
        before, ratios = memory(), []
        for _ in range(rounds):
            alone = rate(toys, seconds)
            with page(server.address, browser) as look:
                time.sleep(3)
                watched = rate(toys, seconds)
            ratios.append(watched / alone)
            print(f"{alone:8,.0f} steps/s alone, {watched:8,.0f} with a page: {ratios[-1]:.3f}")
        print(f"median {statistics.median(ratios):.3f}; a look has {max(look, default=0):,} bytes")
        server.said.put((0, {"do": "pause"}))  # a thread that computes does not end well with the process
        time.sleep(0.5)
        print(f"memory {before / 2**20:,.0f} MiB before, {memory() / 2**20:,.0f} MiB after")
    return 0


def rate(toys: "object", seconds: float) -> float:
    """Steps a second."""
    first, began = toys.steps(), time.monotonic()  # pyright: ignore[reportAttributeAccessIssue]
    time.sleep(seconds)
    return (toys.steps() - first) / (time.monotonic() - began)  # pyright: ignore[reportAttributeAccessIssue]


@contextlib.contextmanager
def page(address: str, browser: str | None) -> Iterator[list[int]]:
    """A page that looks on; the bytes of what it reads, where it is read here."""
    from websockets.sync.client import connect

    parts, sizes = urlsplit(address), []
    if browser:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            options = ["--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
            process = subprocess.Popen([browser, *options, address], stderr=subprocess.DEVNULL)
            try:
                yield sizes
            finally:
                process.kill()
                process.wait()
        return
    with connect(f"ws://{parts.netloc}/talk?{parts.query}", origin=f"http://{parts.netloc}") as socket:  # pyright: ignore[reportArgumentType]

        def read() -> None:
            with contextlib.suppress(Exception):
                while True:
                    sizes.append(len(socket.recv()))

        threading.Thread(target=read, daemon=True).start()
        yield sizes


def memory() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main_command(main.run)
