"""Array annotations checked at run time, a small table, a command run in-process, and one finished run."""

import gc
import hashlib
import importlib
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, runtime_checkable

import jaxtyping
import numpy as np
import pyarrow as pa
import pytest

from gans.penalties.base import Critic
from gans.tracking.terminal import console

runtime_checkable(Critic)  # beartype asks that of a protocol before it checks an argument by it
ROOMS = ("objectives", "penalties", "terms", "networks", "data.layout", "streams")
jaxtyping.install_import_hook([f"gans.{room}" for room in ROOMS], "beartype.beartype")

ROWS = 197
TINY = (
    "network.latent=8",
    "network.generator_widths=[16,16,16]",
    "network.discriminator_widths=[16,8]",
    "trainer.batch_size=50",
)


@dataclass
class Said:
    """What a command did."""

    status: int
    out: str
    err: str


def pytest_configure(config: pytest.Config) -> None:
    """The quick tests spend their time on compiling and composing: keep what was compiled, collect garbage rarely."""
    import jax
    from absl import logging as absl_logging

    handler: Any = absl_logging.get_absl_handler()
    handler.python_handler.stream = (
        sys.__stderr__
    )  # one of pytest's it would close when Hydra's second job sets up logs
    gc.set_threshold(100_000, 50, 50)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of two workers would wait for each other

    cache = f"gans-tests-jax-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"  # workers would read half-written files
    jax.config.update("jax_compilation_cache_dir", str(Path(tempfile.gettempdir()) / cache))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    state = tempfile.mkdtemp(prefix="gans-tests-state-")  # runs are signed with a key of the tests
    os.environ["XDG_STATE_HOME"] = os.environ["LOCALAPPDATA"] = state
    config.add_cleanup(lambda: shutil.rmtree(state, ignore_errors=True))
    if config.option.markexpr == "not slow" and "xla_backend_optimization_level" not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip()


@pytest.fixture(autouse=True)
def restored_logs() -> Iterator[None]:
    """Commands and Hydra add handlers to loggers; take them away again, with the streams that pytest closes.

    What a fixture of a module or of the session ran before has left its own behind, too.
    """
    names = ("", "hydra")
    before = [(log := logging.getLogger(name), list(log.handlers), log.level, log.propagate) for name in names]
    before.append((log := logging.getLogger("gans"), [], logging.INFO, True))

    def restore() -> None:
        for log, handlers, level, propagate in before:
            log.handlers[:] = handlers
            log.setLevel(level)
            log.propagate = propagate
        console.quiet = False

    restore()
    yield
    restore()


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt in a background job too, which inherits an ignored SIGINT."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def call(name: str, arguments: tuple[str, ...]) -> int:
    """The exit status of `python -m gans.NAME ARGUMENTS`, run in this process."""
    from gans.cli.command import run_command

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYDRA_FULL_ERROR", "1")
        patch.setattr(sys, "argv", [f"gans.{name}", *arguments])
        try:
            program = importlib.import_module(f"gans.{name}").command
            return run_command(lambda: program.run(arguments, f"gans {name}"))
        except SystemExit as end:  # of --help
            return int(end.code or 0)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *arguments: str) -> Said:
        capsys.readouterr()
        status = call(name, arguments)
        return Said(status, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, str]]:
    """A function: the files under a folder with digests of their content."""

    def take(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
            for path in sorted(folder.rglob("*"))
        }

    return take


def make_table(seed: int = 0, rows: int = ROWS) -> pa.Table:
    rng = np.random.default_rng(seed)
    age, segment = rng.integers(18, 90, rows), rng.choice(["basic", "plus", "gold"], rows)
    return pa.table(
        {
            "segment": segment,
            "age": age,
            "income": rng.permutation(rows * 7)[:rows] / 100 + 1000 + age,
            "balance": rng.permutation(rows * 9)[:rows] / 100 + 7000,
            "member": rng.random(rows) < 0.3,
            "since": pa.array(rng.integers(10_000, 19_000, rows).astype(np.int32), pa.date32()),
            "visits": pa.array(rng.integers(0, 9, rows), mask=rng.random(rows) < 0.2),
        }
    )


@pytest.fixture(scope="session")
def table() -> pa.Table:
    """197 customers: every income and every balance occurs once; visits has missing values."""
    return make_table()


@dataclass
class Finished:
    """A finished run, the table and the arguments that made it."""

    path: Path
    table_path: Path
    arguments: tuple[str, ...]
    status: int


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> Path:
    """A folder with `table.parquet`."""
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("inputs")
    pq.write_table(table, folder / "table.parquet")
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> Finished:
    """A run of `+experiment=cgan +debug=limit` on the small table, conditioned on segment and age."""
    path, table_path = tmp_path_factory.mktemp("runs") / "cgan", inputs / "table.parquet"
    arguments = (
        "+experiment=cgan",
        "+debug=limit",
        "data=table",
        f"data.path={table_path}",
        "condition.columns=[segment,age]",
        *TINY,
    )
    return Finished(path, table_path, arguments, call("train", (*arguments, f"run_dir={path}")))


def make_related(seed: int = 0, rows: int = 600) -> pa.Table:
    rng = np.random.default_rng(seed)
    city = rng.choice(["Rome", "Milan", "Lyon", "Paris", "Bonn", "Ulm"], rows)
    country = np.array(["IT", "IT", "FR", "FR", "DE", "DE"])
    plan = rng.choice(["basic", "gold", "free"], rows)
    plan[rng.permutation(rows)[:6]] = "pilot"  # 1% of the rows
    channel = np.where(plan == "basic", "web", rng.choice(["web", "shop"], rows))
    fee, tax = rng.integers(0, 50, rows), rng.integers(0, 20, rows)
    opened = rng.integers(2000, 2020, rows)
    return pa.table(
        {
            "city": city,
            "country": country[[["Rome", "Milan", "Lyon", "Paris", "Bonn", "Ulm"].index(name) for name in city]],
            "plan": plan,
            "channel": channel,
            "age": rng.integers(18, 90, rows),
            "spend": rng.gamma(2, 50, rows).round(2),
            "visits": pa.array(rng.integers(0, 9, rows), mask=rng.random(rows) < 0.2),
            "fee": fee,
            "tax": tax,
            "total": fee + tax,
            "opened": opened,
            "closed": opened + rng.integers(0, 9, rows),
        }
    )


RELATED = ("city -> country", "total = fee + tax", "opened <= closed", "if plan == 'basic' then channel == 'web'")


@dataclass
class Related:
    """A run of two seeds with condition=subsets and a refinement, and its table."""

    path: Path
    table: pa.Table
    relations: tuple[str, ...]


@pytest.fixture(scope="session")
def related(tmp_path_factory: pytest.TempPathFactory) -> Related:
    """Of 20 steps on 600 rows, with a column of each kind and a relation of each kind."""
    from gans.config.compose import compose
    from gans.runs.execute import execute

    path, table = tmp_path_factory.mktemp("runs") / "related", make_related()
    arguments = ["+debug=limit", "condition=subsets", "refine=boosted", "refine.candidates=2", "refine.trees=20"]
    relations = 'data.relations=["' + '","'.join(RELATED) + '"]'
    run = compose([*arguments, "trainer.seeds=2", relations, *TINY, f"run_dir={path}"])
    assert execute(run, table, show=False).status == "completed"
    return Related(path, table, RELATED)


def read_records(file: Path) -> list[Any]:
    """All records of a .wandb file: LevelDB's log format behind a header of seven bytes, each record a protobuf."""
    from wandb.proto import wandb_internal_pb2

    record: Any = wandb_internal_pb2.Record  # pyright: ignore[reportAttributeAccessIssue]
    data, place, parts, found = file.read_bytes(), 7, b"", []
    assert data[:4] == b":W&B"
    while place + 7 <= len(data):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            found.append(record.FromString(parts))
            parts = b""
    return found


@pytest.fixture(scope="session")
def recorded() -> Callable[[Path], list[Any]]:
    """A function: the records of an offline run of Weights & Biases, once its last one is there.

    On a busy machine the process that writes them lags behind the run.
    """

    def read(file: Path, seconds: float = 60) -> list[Any]:
        end = time.monotonic() + seconds
        while True:
            found = read_records(file)
            if any(one.WhichOneof("record_type") == "exit" for one in found) or time.monotonic() > end:
                return found
            time.sleep(0.2)

    return read


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Overrides that make the networks small."""
    return TINY


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the report out, whose figures take most of the time of a short run."""
    modules = [importlib.import_module(f"gans.{name}") for name in ("report.page", "sweeps.jobs", "sweeps.search")]
    for module in modules:  # all of them are there before the first is patched, so that none keeps the patch
        monkeypatch.setattr(module, "report_run", lambda *_: dict)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A function that makes gans see these entry points; what they registered is forgotten after the test."""
    from hydra.core.config_store import ConfigStore

    from gans.config import components
    from gans.config.compose import load_schemas
    from gans.evaluation.metrics import all_metrics
    from gans.registry import COMPONENTS

    load_schemas()
    metrics = dict(all_metrics())
    store: Any = ConfigStore.instance().repo
    known = {group: dict(names) for group, names in COMPONENTS.items()}
    stored = {group: dict(store[group]) for group in known}

    def install(*points: Any) -> None:
        monkeypatch.setattr(
            components, "entry_points", lambda group: [point for point in points if point.group == group]
        )
        clear()

    def clear() -> None:
        components.import_components.cache_clear()
        components.load_components.cache_clear()
        load_schemas.cache_clear()

    yield install
    all_metrics().clear()
    all_metrics().update(metrics)
    for group, names in known.items():
        COMPONENTS[group].clear()
        COMPONENTS[group].update(names)
        store[group].clear()
        store[group].update(stored[group])
    clear()
