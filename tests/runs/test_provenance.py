"""The config of a run that another machine made reads nothing here, writes nothing, and reaches nobody."""

import dataclasses
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from gans.config.components import load_components
from gans.config.compose import compose
from gans.config.run import Run
from gans.config.stored import read_run, to_yaml
from gans.data.embedded import Households
from gans.data.files import Published, TableFile
from gans.data.sql import Sql
from gans.errors import UserError
from gans.registry import COMPONENTS
from gans.runs import again
from gans.runs.directory import stored_run
from gans.runs.files import RunFiles
from gans.runs.provenance import made_here, sign_run, state_folder
from gans.runs.saved import SavedRun, named

UNSIGNED = "this machine has no record of creating this run"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """From here on another machine: its folder of state."""
    folder = tmp_path_factory.mktemp("state")
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(folder))
    return folder


@pytest.fixture
def copied(finished: Any, tmp_path: Path) -> Path:
    """A copy of the finished run in another place."""
    return Path(shutil.copytree(finished.path, tmp_path / "moved" / "run"))


def rewrite(run: Path, **data: Any) -> None:
    """Give the config of a run another source, as a stranger may."""
    file = RunFiles(run).config
    config = yaml.safe_load(file.read_text())
    shared = {name: config["data"][name] for name in ("holdout", "split_seed", "limit", "kinds", "drop", "target")}
    config["components"]["data"] = data.pop("source")
    config["data"] = shared | data
    file.write_text(yaml.safe_dump(config))


# ---- the record


def test_a_run_made_here_is_known_wherever_it_lies_and_unless_it_was_changed(copied: Path) -> None:
    files = RunFiles(copied)
    assert made_here(files)
    for changed in (files.config, files.schema):
        before = changed.read_text()
        changed.write_text(before.replace("age", "agf", 1))
        assert not made_here(files)
        changed.write_text(before)
    assert made_here(files)
    for text in (
        "",
        "{}",
        "[]",
        "nonsense",
        '{"version": 1, "hmac_sha256": null}',
        '{"version": 1, "hmac_sha256": "0"}',
    ):
        files.provenance.write_text(text)
        assert not made_here(files)
    files.provenance.unlink()
    assert not made_here(files)


def test_a_run_made_elsewhere_is_not(copied: Path, elsewhere: Path) -> None:
    files = RunFiles(copied)
    assert not made_here(files)
    assert list(elsewhere.iterdir()) == []  # looking makes no key
    sign_run(files)
    assert made_here(files)
    (elsewhere / "gans" / "key").write_bytes(b"")
    assert not made_here(files)
    with pytest.raises(UserError, match="0 bytes, not a key of 32"):
        sign_run(files)


def test_the_key_is_secret_and_one_for_all_processes(copied: Path, elsewhere: Path) -> None:
    def sign(number: int) -> bytes:
        folder = shutil.copytree(copied, copied.parent / str(number))
        sign_run(RunFiles(folder))
        return RunFiles(folder).provenance.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(sign, range(8)))) == 1
    key = elsewhere / "gans" / "key"
    assert [path.name for path in key.parent.iterdir()] == ["key"]
    assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert len(key.read_bytes()) == 32
    assert key.read_bytes().hex() not in RunFiles(copied).provenance.read_text()


def test_where_no_key_can_be_kept_a_run_goes_on_unsigned(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "file"))
    RunFiles(copied).provenance.unlink()
    sign_run(RunFiles(copied))
    assert not RunFiles(copied).provenance.exists()
    assert "the run is not signed" in caplog.text


def test_the_folder_of_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert state_folder() == Path("/home/ann/.local/state/gans")


def test_a_run_of_a_table_that_was_handed_over_is_not_signed(related: Any, finished: Any) -> None:
    assert not RunFiles(related.path).provenance.exists()  # nothing that its config names was read
    assert RunFiles(finished.path).provenance.exists()


# ---- commands


COMMANDS = [
    ("evaluate", "metrics=fast"),
    ("use", "scenario=marketing"),
    ("use", "scenario=privacy"),
    ("augment", "target=segment"),
    ("personas", "k=2"),
]


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.usefixtures("elsewhere")
def test_commands_read_nothing_that_a_stranger_names(
    command: Callable[..., Any], copied: Path, snapshot: Callable[[Path], Any], arguments: tuple[str, str]
) -> None:
    Path("secret.txt").write_text("password")
    query = "copy (select 42) to 'written.csv'"
    attacks = {
        query: "exactly one SELECT is needed, not COPY",
        "select content as segment from read_text('secret.txt')": "function read_text is not read from",
        "select 1; attach 'written.duckdb'": "exactly one SELECT is needed",
    }
    for attack, refusal in attacks.items():
        rewrite(copied, source="sql", query=attack, trust=True)
        before = snapshot(Path())
        found = command(*arguments[:1], f"run={copied}", *arguments[1:])
        assert found.status == 2
        assert f"run={copied}: {UNSIGNED}" in found.err
        assert (
            f"data.query={attack} from its config is not read; give real=FILE and test=FILE, or set trust=true"
            in found.err
        )
        assert found.err.count("\n") == 1
        vouched = command(*arguments[:1], f"run={copied}", *arguments[1:], "trust=true")
        assert (vouched.status, refusal in vouched.err) == (2, True), vouched.err
        assert snapshot(Path()) == before


@pytest.mark.usefixtures("elsewhere")
def test_other_sources_of_a_stranger(command: Callable[..., Any], copied: Path) -> None:
    Path("log.csv").write_text("customer,time,amount\na,2024-01-01,1\nb,2024-01-02,2\n")
    sources: list[tuple[dict[str, Any], str]] = [
        ({"source": "table", "path": "/etc/passwd.csv"}, "data.path=/etc/passwd.csv from"),
        ({"source": "sql", "query": "select * from 'other.csv'"}, "data.query=select * from 'other.csv' from"),
        ({"source": "sql", "query": "from t", "database": "md:x"}, "data.query=from t data.database=md:x from"),
        ({"source": "adult", "root": "/srv", "file": "x.csv"}, "data=adult is not known"),
        ({"source": "published", "root": "/srv", "file": "x.csv"}, "data.root=/srv data.file=x.csv from"),
        ({"source": "published", "openml": 31}, "data.openml=31 from"),
        ({"source": "profiles", "orders": "log.csv"}, "data.orders=log.csv from"),
        ({"source": "mnist", "root": "/srv"}, "data.root=/srv from"),
        ({"source": "drawing", "path": "x.png"}, "data.path=x.png from"),
        ({"source": "table", "path": "a\x1b[2J\nb.csv"}, "data.path=a?[2J?b.csv from"),
    ]
    for data, part in sources:
        rewrite(copied, **data)
        found = command("evaluate", f"run={copied}", "metrics=fast")
        assert (found.status, part in found.err) == (2, True), found.err
        assert found.err.count("\n") == 1
    rewrite(
        copied,
        source="profiles",
        orders="log.csv",
        features={"lines": {"x": "(select max(content) from read_text('*'))"}},
    )
    found = command("evaluate", f"run={copied}", "metrics=fast", "trust=true")
    assert (found.status, "no table function" in found.err) == (2, True)
    found = command("evaluate", f"run={copied}", "trust=yes")
    assert (found.status, "trust=yes: allowed are true, false" in found.err) == (2, True)


def test_what_a_person_gives_or_vouches_for_is_read(copied: Path, finished: Any, elsewhere: Path) -> None:
    del elsewhere
    from gans.runs.subjects import real_tables

    saved = SavedRun.open(copied)
    with pytest.raises(UserError, match=rf"data\.path={finished.table_path} from its config is not read"):
        real_tables({}, saved)
    with pytest.raises(UserError, match=UNSIGNED):
        real_tables({"test": str(finished.table_path)}, saved)  # the training rows would be those of the config
    given = real_tables({"real": str(finished.table_path)}, saved)
    assert (given.training.num_rows, given.test) == (197, None)
    vouched = real_tables({"trust": True}, saved)
    assert vouched.test is not None
    assert vouched.training.num_rows + vouched.test.num_rows == 197


def test_the_tables_of_a_run_made_here_are_read_as_before(copied: Path) -> None:
    training, holdout = SavedRun.open(copied).table()
    assert training.num_rows + holdout.num_rows == 197


def test_rows_that_come_with_the_program_need_no_record() -> None:
    load_components()
    inside = {name for name, kind in COMPONENTS["data"].items() if kind.self_contained}  # pyright: ignore
    assert inside == {"households", "charity", "loans", "ring", "grid", "line", "disjoint", "moons", "digits"}
    assert Households().places() == {}


def test_what_a_source_names() -> None:
    assert TableFile(path="x.csv", target="age").places() == {"data.path": "x.csv"}
    assert Sql(query="select 1").places() == {"data.query": "select 1"}
    assert Published(file="x.parquet", openml=3).places() == {"data.openml": "3"}
    assert named(Sql(query="a" * 200)) == f"data.query={'a' * 100}..."
    assert named(Households()) == "data=households"


# ---- the config itself


def stored(run: Run, folder: Path) -> Path:
    file = folder / "config.yaml"
    folder.mkdir(exist_ok=True)
    file.write_text(to_yaml(run))
    return file


def test_trust_counts_on_a_command_line_only(tmp_path: Path) -> None:
    run = compose(["data=sql", "data.query=select 1", "data.trust=true"])
    assert isinstance(run.data, Sql)
    assert run.data.trust
    again = read_run(stored(run, tmp_path)).data
    assert isinstance(again, Sql)
    assert not again.trust


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  data: households", "  data: os.system"),
        ("data:\n", "data:\n  _target_: os.system\n"),
        ("name: vanilla", "name: ${oc.env:HOME}"),
        ("name: vanilla", "name: !!python/object/apply:os.system ['touch written']"),
        ("name: vanilla", "plugins: [os]\nname: vanilla"),
    ],
)
def test_a_stored_config_imports_and_calls_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = stored(compose([]), tmp_path / "run")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError):
        read_run(file)
    assert not Path("written").exists()


# ---- going on with a run


def strangers_run(folder: Path, *overrides: str) -> Path:
    tracker = ["tracker.mode=online", "tracker.entity=mallory", "tracker.project=loot", "tracker.folder=/tmp/loot"]
    several = ["trainer.processes=2", "trainer.process=1", "trainer.coordinator=203.0.113.1:99"]
    stored(compose([*overrides, *tracker, *several]), folder)
    return folder


def go_on(folder: Path, *overrides: str) -> Run:
    arguments = [*overrides, f"run_dir={folder}", "trainer.resume=true"]
    return stored_run(compose(arguments), arguments)


@pytest.mark.usefixtures("elsewhere")
def test_a_strangers_run_reaches_nobody_when_it_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = go_on(strangers_run(tmp_path / "run"))
    assert (run.tracker.mode, run.tracker.entity, run.tracker.project) == ("disabled", None, "gans")
    assert run.tracker.folder == "."
    assert (run.trainer.coordinator, run.trainer.processes, run.trainer.process) == (None, 1, 0)
    assert "tracking is off" in caplog.text
    said = go_on(tmp_path / "run", "tracker.mode=offline")
    assert (said.tracker.mode, said.tracker.entity) == ("offline", None)


def test_a_run_made_here_goes_on_as_it_was(tmp_path: Path) -> None:
    folder = strangers_run(tmp_path / "run")
    RunFiles(folder).schema.write_text("{}")
    sign_run(RunFiles(folder))
    run = go_on(folder)
    assert (run.tracker.entity, run.trainer.coordinator) == ("mallory", "203.0.113.1:99")


@pytest.mark.usefixtures("elsewhere")
def test_a_strangers_run_goes_on_with_what_is_said_again(tmp_path: Path) -> None:
    folder = strangers_run(tmp_path / "run", "data=table", "data.path=/srv/table.csv")
    with pytest.raises(
        UserError, match=r"data\.path=/srv/table\.csv from its config is not read; give it again after data"
    ):
        go_on(folder)
    run = go_on(folder, "data=table", "data.path=/srv/table.csv")
    assert run.data.places() == {"data.path": "/srv/table.csv"}
    with pytest.raises(UserError, match="a resumed run cannot change this"):
        go_on(folder, "data=table", "data.path=/srv/other.csv")
    other = strangers_run(tmp_path / "other", "data=table", "data.path=/srv/table.csv", "data.holdout=0.3")
    assert go_on(other, "data=table", "data.path=/srv/table.csv").data.holdout == 0.3  # the rest is as it was stored


def test_retraining_for_a_use_connects_to_no_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Run] = []

    def execute(run: Run, table: Any) -> Any:
        del table
        ran.append(run)
        raise UserError("enough")

    monkeypatch.setattr(again, "execute", execute)
    run = read_run(stored(dataclasses.replace(compose([])), strangers_run(tmp_path / "run")))
    run = dataclasses.replace(
        run, trainer=dataclasses.replace(run.trainer, processes=2, process=1, coordinator="203.0.113.1:99")
    )
    with pytest.raises(UserError, match="enough"):
        again.train_again(run, Households().read(), tmp_path / "arm")
    assert (ran[0].trainer.coordinator, ran[0].trainer.processes, ran[0].tracker.mode) == (None, 1, "disabled")
