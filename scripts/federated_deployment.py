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

from gans.cli.arguments import output_folder
from gans.cli.command import main_command
from gans.cli.federation import federation_keys, said_settings
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, TEXT
from gans.data.files import TableFile
from gans.data.sites import Sites
from gans.errors import UserError
from gans.federated.app_folder import write_app
from gans.files import write_text

MOST_SECONDS, AWAY = 1200, 5


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


@takes(
    Key("sites", TEXT, required=True),
    Key("folder", FOLDER, required=True),
    *federation_keys(),
    others="as in gans train",
    text=__doc__,
)
def main(sites: str, folder: str, others: list[str], **_: str) -> int:
    """Start, kill, start again, wait."""
    tables = Sites(files=sites).sites()
    place = output_folder(folder, empty=True).resolve()
    place.mkdir(parents=True, exist_ok=True)
    return deploy(tables, place, others, said_settings())


def deploy(tables: dict[str, TableFile], folder: Path, overrides: list[str], settings: dict[str, str]) -> int:
    """As said above."""
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
    main_command(main.run)
