import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.federated.conftest import SMALL, customers

ROOT = Path(__file__).parents[2]
QUICK = (*SMALL, "federated.rounds=2", "federated.local_steps=3", "federated.evaluate_every=2")
Command = Callable[..., Any]


def test_the_command_trains_and_says_what_leaves(command: Command, site_files: Path, tmp_path: Path) -> None:
    done = command("federate", f"sites={site_files}/*.parquet", f"run_dir={tmp_path / 'run'}", *QUICK)
    assert done.status == 0
    for said in ("site site-2 sends columns", "plan: 4 levels with their counts", "levels of 4 rows withheld"):
        assert said in done.err
    assert "site site-0 sends networks" in done.err
    assert "MiB sent by 3 sites" in done.err
    again = command("federate", f"run_dir={tmp_path / 'run'}", "trainer.resume=true", "federated.rounds=3")
    assert again.status == 0
    assert "resuming" in again.err
    assert "completed after 3 rounds" in again.err
    pasted = [shlex.split(line) for line in again.err.splitlines() if line.startswith("  gans ")]
    assert pasted[-1] == ["gans", "sample", f"run={tmp_path / 'run'}", "n=1000", "out=rows.csv"]
    assert command("sample", *pasted[-1][2:]).status == 0
    calls = yaml.safe_load((tmp_path / "run" / "overrides.yaml").read_text())
    assert calls[0]["overrides"][0] == f"sites={site_files}/*.parquet"
    assert set(calls[0]["overrides"]) == {f"sites={site_files}/*.parquet", f"run_dir={tmp_path / 'run'}", *QUICK}
    assert calls[1]["command"].startswith("gans federate ")


def test_tables_of_sites_train_in_one_place_too(command: Command, site_files: Path, tmp_path: Path) -> None:
    files = f"data.files='{site_files}/*.parquet'"
    done = command(
        "train", "data=sites", files, *SMALL, "trainer.steps=4", "refine=none", f"run_dir={tmp_path / 'run'}"
    )
    assert done.status == 0
    assert "site" not in pq.read_table(tmp_path / "run" / "samples.parquet").column_names


def other_type(folder: Path) -> None:
    table = customers(100, 9)
    pq.write_table(table.set_column(1, "age", table["age"].cast(pa.string())), folder / "site-9.parquet")


def less(folder: Path) -> None:
    pq.write_table(customers(100, 9).drop_columns(["spent"]), folder / "site-9.parquet")


def tiny(folder: Path) -> None:
    pq.write_table(customers(3, 9), folder / "site-9.parquet")


def broken(folder: Path) -> None:
    (folder / "site-9.parquet").write_bytes(b"PAR1 no")


def infinite(folder: Path) -> None:
    table = customers(100, 9)
    spent = table["spent"].to_pylist()
    spent[0] = float("inf")
    pq.write_table(table.set_column(2, "spent", pa.array(spent)), folder / "site-9.parquet")


@pytest.mark.parametrize(
    ("arguments", "spoil", "said"),
    [
        ([], None, "sites is not set"),
        (["sites=nowhere/*.parquet"], None, "data.files=nowhere/*.parquet: there is no such file."),
        (["sites={}/*.parquet", "data=adult"], None, "data=adult: sites={}/*.parquet names the tables"),
        (["sites={}/*.parquet", "app=x"], None, "app=x: each machine names its own table"),
        (["sites={}/*.parquet", "federated.rounds=0"], None, "federated.rounds=0: it must be at least 1"),
        (["sites={}/*.parquet", "federated.rounds=many"], None, "federated.rounds=many: a whole number is needed"),
        (["sites={}/*.parquet", "federated.round=3"], None, "unknown key federated.round;"),
        (["sites={}/*.parquet", "federated.share=all"], None, "federated.share=all: allowed are both, generator,"),
        (["sites={}/*.parquet", "federated.strategy=fedsgd"], None, "federated.strategy=fedsgd: allowed are fedavg"),
        (["sites={}/*.parquet", "federated.weights=fed"], None, "federated.weights=fed: allowed are uniform, size"),
        (["sites={}/*.parquet", "federated.trim=0.5"], None, "federated.trim=0.5: it must be"),
        (
            ["sites={}/*.parquet", "federated.strategy=fedadam", "federated.moments=averaged"],
            None,
            "federated.moments=averaged: federated.strategy=fedadam",
        ),
        (["sites={}/*.parquet", "federated.sites=5", "federated.timeout=1"], None, "federated.sites=5: 3 are there"),
        (["sites={}/*.parquet", "federated.rounds=1", "federated.rounds=2"], None, "federated.rounds is given twice"),
        (["sites={}/*.parquet", "+experiment=dp_gan"], None, "privacy.domain is not set"),
        (["sites={}/*.parquet", "+experiment=dp_marginals"], None, "privacy=marginals: sites that train together take"),
        (["sites={}/*.parquet", "trainer.seeds=2"], None, "trainer.seeds=2: sites that train together take 1"),
        (["sites={}/*.parquet", "data.relations=[plan -> age]"], None, "data.relations=plan -> age: sites"),
        (
            ["sites={}/*.parquet", "+experiment=cgan", "condition.columns=[plan,member]"],
            None,
            "condition.columns=member: sites",
        ),
        (["sites={}/*.parquet", "trainer.resume=true"], None, "run_dir is not set"),
        (["sites={}/*.parquet"], other_type, "column 'age': it holds int64 at site site-0 and string at site site-9"),
        (["sites={}/*.parquet"], less, "column 'spent' is in the table of site site-0, not of site site-9"),
        (["sites={}/*.parquet"], tiny, "site site-9: the table has 3 rows; at least 4 are needed"),
        (["sites={}/*.parquet"], broken, "site-9.parquet: not a readable Parquet file"),
        (["sites={}/*.parquet"], infinite, "column 'spent'"),
        (["app=x", "network.width=no"], None, "network.width: Value 'no'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: list[str],
    spoil: Callable[[Path], None] | None,
    said: str,
    command: Command,
    site_files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    if spoil:
        spoil(site_files)
    given = [argument.format(site_files) for argument in arguments]
    own = {argument.split("=")[0] for argument in given}
    small = [] if "+experiment" in own else [argument for argument in QUICK if argument.split("=")[0] not in own]
    done = (
        command("federate", *given, "run_dir=run", *small)
        if "trainer.resume=true" not in given
        else command("federate", *given)
    )
    assert done.status == 2
    error = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert said.format(site_files) in error[0]
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "x").exists()


def test_what_cannot_change_is_refused_when_a_run_goes_on(command: Command, site_files: Path, tmp_path: Path) -> None:
    run = f"run_dir={tmp_path / 'run'}"
    assert command("federate", f"sites={site_files}/*.parquet", run, *QUICK).status == 0
    for given, said in (
        ("federated.share=generator", "federated.share=generator: the run began with both"),
        ("network.width=8", "network.width"),
        ("federated.rounds=1", "federated.rounds=1: the run is at round 2 already"),
    ):
        done = command("federate", run, "trainer.resume=true", given)
        assert done.status == 2
        assert said in done.err


def test_a_federated_run_is_not_gone_on_with_as_a_plain_one(command: Command, site_files: Path, tmp_path: Path) -> None:
    run = f"run_dir={tmp_path / 'run'}"
    assert command("federate", f"sites={site_files}/*.parquet", run, *QUICK).status == 0
    done = command("train", run, "trainer.resume=true")
    assert done.status == 2
    assert "resume it with gans federate" in done.err


def test_an_app_is_written_once(command: Command, tmp_path: Path) -> None:
    app = tmp_path / "app"
    assert (
        command("federate", f"app={app}", "+experiment=tabular", "federated.rounds=7", "network.width=16").status == 0
    )
    text = (app / "pyproject.toml").read_text()
    assert 'federated = "rounds=7"' in text
    assert "+experiment=tabular network.width=16" in text
    done = command("federate", f"app={app}", "+experiment=tabular")
    assert (done.status, "it is not empty" in done.err) == (2, True)


@pytest.mark.parametrize("missing", ["name", "folder", "data"])
def test_a_site_says_which_key_of_its_node_is_missing(missing: str, tmp_path: Path) -> None:
    from gans.errors import UserError
    from gans.federated.apps import site_of

    config = {"name": "north", "folder": str(tmp_path), "data": "data=households"}
    with pytest.raises(UserError, match=f"{missing} is not set"):
        site_of({key: value for key, value in config.items() if key != missing})


@pytest.mark.parametrize("value", ["0", "few"])
def test_a_site_says_which_value_of_its_node_is_wrong(value: str, tmp_path: Path) -> None:
    from gans.errors import UserError
    from gans.federated.apps import site_of

    config = {"name": "north", "folder": str(tmp_path), "data": "data=households", "floor_rows": value}
    with pytest.raises(UserError, match=f"floor_rows={value}"):
        site_of(config)


def test_a_deployed_site_tells_no_more_than_it_allows_and_no_values_of_rows(tmp_path: Path) -> None:
    from flwr.app import Message

    from gans.federated.apps import site_of
    from gans.federated.messages import DESCRIBE, answer, content, said_in
    from gans.federated.settings import Federation
    from gans.federated.simulation import SimulatedGrid

    SimulatedGrid([])  # so that messages can be made
    path = tmp_path / "rows.parquet"
    pq.write_table(customers(300, 0), path)
    config = {"name": "north", "folder": str(tmp_path / "own"), "data": f"data=table data.path={path}", "points": 20}
    greedy = Federation(points=100_000, floor_rows=1)
    told = site_of(config).describe(greedy)
    spent = next(column for column in told.columns if column.name == "spent")
    assert len(spent.values) <= 2 * 20
    assert min(spent.counts) >= 5
    path.write_bytes(b"secret")
    asked = Message(content(federation=greedy.to_json()), 1, DESCRIBE)
    assert said_in(answer(site_of(config), asked))["error"] == "it cannot; its own log says why"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_server_and_sites_in_processes_of_their_own(site_files: Path, tmp_path: Path) -> None:
    """One site is killed after the first round and started again."""
    script, folder = ROOT / "scripts" / "federated_deployment.py", tmp_path / "deployed"
    given = [f"sites={site_files}/*.parquet", f"folder={folder}", "federated.rounds=2", "federated.local_steps=2"]
    command = [sys.executable, str(script), *given, "federated.evaluate_every=2", *SMALL]
    done = subprocess.run(command, capture_output=True, text=True)
    logs = "\n".join(path.read_text(errors="replace")[-3000:] for path in folder.glob("*.log"))
    assert done.returncode == 0, done.stderr + logs
    assert "killing site-2" in done.stdout
    rows = pq.read_table(folder / "run" / "samples.parquet")
    assert rows.num_rows == 100
    assert rows.column_names == ["plan", "age", "spent", "member", "since"]
