"""A server and three sites in processes of their own on one machine, one of them killed and started again.

    python scripts/federated_deployment.py sites='FOLDER/site-*.parquet' folder=DIR [federated.KEY=VALUE] [KEY=VALUE]

Writes the app, starts a SuperLink and a SuperNode for each table, each on a port of its own that nobody else can reach,
runs the app, kills the last site when the first round is done, and starts it again. Ends when the run has its table.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from gans.cli.arguments import output_folder, require, wants_help
from gans.cli.command import run_command
from gans.data.sites import Sites
from gans.errors import UserError
from gans.federated.app_folder import write_app
from gans.federated.settings import sorted_out
from gans.files import write_text
from gans.tracking.log import set_up_log

MOST_SECONDS, AWAY = 1200, 5
USAGE = "python scripts/federated_deployment.py sites='FOLDER/site-*.parquet' folder=DIR"


class Processes:
    """Processes that end with this one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.running = folder, {}
        own = {"FLWR_HOME": str(folder / "flower"), "FLWR_TELEMETRY_ENABLED": "0"}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | own | {"PATH": path}

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """A process whose output is in NAME.log."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=self.environment, start_new_session=True
            )
        return self.running[name]

    def kill(self, name: str) -> None:
        """A process and those that it started, at once."""
        process = self.running.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        """All of them."""
        for name in list(self.running):
            self.kill(name)


def free_port() -> int:
    """One of this machine that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(path: Path, what: str, until: float, process: subprocess.Popen[bytes] | None = None) -> None:
    """Until a file is there and not empty.

    Raises:
        UserError: it is not in time, or the process ended before.
    """
    while not (path.is_file() and path.stat().st_size):
        if time.monotonic() > until or (process is not None and process.poll() not in (None, 0)):
            raise UserError(f"{what}: not done in time; see the .log files beside {path.parent}.")
        time.sleep(0.5)


def main() -> int:
    """Start, kill, start again, wait."""
    if wants_help(__doc__ or ""):
        return 0
    own, settings, overrides = sorted_out(sys.argv[1:], ("sites", "folder"))
    require(own, ("sites", "folder"), USAGE)
    tables = Sites(files=own["sites"]).sites()
    folder = output_folder(own["folder"], empty=True).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    run, link = folder / "run", f"127.0.0.1:{free_port()}"
    write_app(folder / "app", [*overrides, f"run_dir={run}"], {"sites": "2", "timeout": "120", **settings})
    connection = f'[superlink]\ndefault = "here"\n\n[superlink.here]\naddress = "{link}"\ninsecure = true\n'
    (folder / "flower").mkdir()
    write_text(folder / "flower" / "config.toml", connection)
    processes = Processes(folder)

    def start_site(name: str) -> None:
        node = f'name="{name}" folder="{folder / name}" data="data=table data.path={Path(tables[name].path).resolve()}"'
        address = ("--superlink", link, "--host", "127.0.0.1", "--port", str(free_port()))
        processes.start(name, "flower-supernode", "--insecure", *address, "--node-config", node)

    until = time.monotonic() + MOST_SECONDS
    try:
        host, port = link.split(":")
        processes.start(
            "server", "flower-superlink", "--insecure", "--host", host, "--port", port,
            "--disable-runtime-dependency-installation",
        )  # fmt: skip
        wait_for(folder / "server.log", "the server", until)
        time.sleep(3)
        for name in tables:
            start_site(name)
        time.sleep(3)
        app = processes.start("app", "flwr", "run", str(folder / "app"), "--stream")
        wait_for(run / "metrics.jsonl", "the first round", until, app)
        last = list(tables)[-1]
        print(f"killing {last} after the first round")
        processes.kill(last)
        time.sleep(AWAY)
        start_site(last)
        wait_for(run / "summary.json", "the run", until, app)
    finally:
        processes.kill_all()
        shutil.rmtree(folder / "flower", ignore_errors=True)
    print(f"the run has its table: {run / 'samples.parquet'}")
    return 0


if __name__ == "__main__":
    set_up_log()
    run_command(main)
