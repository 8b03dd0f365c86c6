import hashlib
import importlib
import json
import os
import re
import shlex
import signal
import threading
import time
from collections.abc import Callable
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml

from gans.config.components import conf_folder
from gans.data.files import read_table
from gans.data.schema import Column, Schema
from gans.findings.model_card import UNTESTED
from gans.sample import drawn_columns, why_left_out
from gans.tracking.log import set_up_log

HOLDS = {
    "config.yaml",
    "overrides.yaml",
    "schema.json",
    "provenance.json",
    "metrics.jsonl",
    "checkpoints",
    "samples.parquet",
    "report.html",
    "summary.json",
    "model_card.md",
}

# gans.train


STAGES = {"read", "compile", "train", "evaluate", "sample", "write"}


def pasted(err: str, name: str) -> list[str]:
    """The arguments of the one command `gans NAME ...` that is printed to be pasted into a shell."""
    commands = [shlex.split(line) for line in err.splitlines() if line.startswith("  ")]
    (words,) = [words for words in commands if words[:2] == ["gans", name]]
    return words[2:]


def test_a_run_leaves_its_directory(finished: Any, table: pa.Table) -> None:
    assert finished.status == 0
    assert {path.name for path in finished.path.iterdir()} == HOLDS
    (call,) = yaml.safe_load((finished.path / "overrides.yaml").read_text())
    assert call["overrides"] == [*finished.arguments, f"run_dir={finished.path}"]
    assert shlex.split(call["command"]) == ["gans", "train", *call["overrides"]]
    assert call["gans"] == version("gans")
    summary = json.loads((finished.path / "summary.json").read_text())
    assert (summary["status"], summary["steps"], summary["seed"], summary["name"]) == ("completed", 20, 0, "cgan")
    assert summary["rows"] == {"training": 177, "holdout": 20}
    assert set(summary["scores"]) == {"training", "holdout", "floor", "best"}
    assert {"gans", "jax"} <= set(summary["versions"])
    assert {key.removesuffix("_seconds") for key in summary if key.endswith("_seconds")} == STAGES
    assert 0 < summary["train_seconds"] < summary["seconds"]
    steps = [json.loads(line)["step"] for line in (finished.path / "metrics.jsonl").read_text().splitlines()]
    assert steps == [5, 10, 15, 20]
    samples = pq.read_table(finished.path / "samples.parquet")
    assert samples.schema.equals(table.schema)
    assert samples.num_rows == 177


def test_the_best_score_is_the_largest_that_was_logged(finished: Any) -> None:
    lines = [json.loads(line) for line in (finished.path / "metrics.jsonl").read_text().splitlines()]
    scored = {line["step"]: line["holdout/score"] for line in lines if "holdout/score" in line}
    (best,) = json.loads((finished.path / "summary.json").read_text())["scores"]["best"]
    assert set(scored) == {10, 20}
    assert best == {"seed": 0, "step": max(scored, key=lambda step: scored[step]), "value": max(scored.values())}


def test_no_training_row_is_in_the_run_directory(finished: Any, table: pa.Table) -> None:
    """Incomes and balances occur once each: two of one row side by side would be that row."""
    pairs = {(f"{row['income']:.2f}", f"{row['balance']:.2f}") for row in table.to_pylist()}
    pairs = {tuple(text.rstrip("0").rstrip(".") for text in pair) for pair in pairs}
    assert len(pairs) == len({income for income, _ in pairs}) == table.num_rows
    for path in finished.path.rglob("*"):
        if path.suffix in (".yaml", ".json", ".jsonl", ".html"):
            text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", path.read_text())
            for line in re.split(r"\n|</tr>", text):
                numbers = set(re.findall(r"\d+(?:\.\d+)?", line.replace(",", "")))
                assert not [pair for pair in pairs if set(pair) <= numbers], path
    samples = pq.read_table(finished.path / "samples.parquet").to_pylist()
    drawn = {(f"{row['income']:.2f}", f"{row['balance']:.2f}") for row in samples}
    assert not drawn & {(f"{row['income']:.2f}", f"{row['balance']:.2f}") for row in table.to_pylist()}


def test_arrays_of_the_run_directory_are_marginal(finished: Any, table: pa.Table) -> None:
    """What the codec keeps of a column is sorted, and no parameter is as long as the table."""
    from gans.runs.saved import SavedRun

    with np.load(finished.path / "checkpoints" / "codec.npz") as arrays:
        knots = {name: arrays[name][0] for name in arrays.files if ".knots." in name}
    assert len(knots) == 5
    for values in knots.values():
        assert (np.diff(values) > 0).all()
    with np.load(finished.path / "checkpoints" / "condition.npz") as arrays:
        assert list(arrays["columns"]) == ["segment", "age"]
        assert arrays["combinations"].shape[1] == 2
        assert arrays["counts"].sum() == 177
    sampler = SavedRun.open(finished.path).sampler()
    import jax

    for leaf in jax.tree.leaves(sampler.parameters):
        assert not {177, 197} & set(leaf.shape)


@pytest.mark.usefixtures("no_report")
def test_a_run_repeats_itself(finished: Any, command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", *finished.arguments, "run_dir=again and again")
    assert done.status == 0
    rows = pq.read_table(tmp_path / "again and again" / "samples.parquet")
    assert rows.equals(pq.read_table(finished.path / "samples.parquet"))
    (said,) = re.findall(r"^verdict: (.*)$", done.err, re.MULTILINE)
    assert escape(said) in (finished.path / "report.html").read_text()  # which is of the same rows
    assert pasted(done.err, "evaluate") == ["run=again and again"]
    sampled = command("sample", *pasted(done.err, "sample"))
    assert sampled.status == 0, sampled.err
    assert pa.csv.read_csv("rows.csv").num_rows == 1000


def test_a_diverged_run(finished: Any, command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", *finished.arguments, "run_dir=run", "optimizer.learning_rate=1e30")
    assert done.status == 3
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "diverged"
    assert summary["scores"] == {"best": [{"seed": 0, "step": 0, "value": None}]}
    assert not (tmp_path / "run" / "samples.parquet").exists()
    again = pasted(done.err, "train")
    assert not any(argument.startswith("run_dir=") for argument in again)
    assert again == [*finished.arguments, "optimizer.learning_rate=0.0005"]  # and not a third of what was too much
    sampled = command("sample", "run=run", "n=3", "out=rows.csv")
    assert sampled.status == 2
    assert "Traceback" not in sampled.err
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("no_report")
def test_multirun(inputs: Path, tiny: tuple[str, ...], command: Callable[..., Any], tmp_path: Path) -> None:
    done = command(
        "train",
        "-m",
        "+experiment=vanilla,cgan",
        "seed=0,1",
        "+debug=limit",
        "data=table",
        "data.target=segment",
        f"data.path={inputs / 'table.parquet'}",
        "data.drop=[age,income,member,since,visits]",
        "optimizer.schedule=constant",
        "trainer.steps=2",
        "trainer.evaluate_rows=10",
        *tiny,
    )
    assert done.status == 0, done.err
    seen = set()
    for path in tmp_path.glob("runs/sweeps/*/*/summary.json"):
        summary = json.loads(path.read_text())
        assert summary["status"] == "completed"
        seen.add((summary["name"], summary["seed"]))
    assert seen == {("vanilla", 0), ("vanilla", 1), ("cgan", 0), ("cgan", 1)}
    assert len(list(tmp_path.glob("runs/sweeps/*/job-*.json"))) == 4


@pytest.mark.usefixtures("no_report")
def test_a_mistake_in_one_job_does_not_end_a_multirun(
    finished: Any, command: Callable[..., Any], tmp_path: Path
) -> None:
    done = command("train", "-m", *finished.arguments, "run_dir=run", "trainer.batch_size=0,50")
    assert done.status == 2
    assert "error: trainer.batch_size=0" in done.err
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "completed"


def test_help_of_train_lists_every_option(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", "--help")
    assert (done.status, done.err, list(tmp_path.iterdir())) == (0, "", [])
    assert "[GROUP=NAME ...] [KEY=VALUE ...]" in done.out
    assert "data.path=FILE --help" in done.out  # which lists data.delimiter
    listed: dict[str, set[str]] = {}
    group = ""
    for line in done.out.splitlines():
        if heading := re.fullmatch(r"\+?(\w+)=", line):
            group = heading[1]
        elif group and (option := re.match(r"  (\w+) ", line)):
            listed.setdefault(group, set()).add(option[1])
    there: dict[str, set[str]] = {}
    for path in conf_folder().glob("*/*.yaml"):
        there.setdefault(path.parent.name, set()).add(path.stem)
    assert listed == there


def test_list_prints_every_experiment_with_its_line(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", "--list")
    assert (done.status, done.err, list(tmp_path.iterdir())) == (0, "", [])
    listed = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert set(listed) == {path.stem for path in (conf_folder() / "experiment").glob("*.yaml")}
    assert listed["lsgan"] == "LSGAN (Mao et al. 2016): least squares in place of cross entropy."


@pytest.mark.parametrize("name", ["sample", "evaluate", "compare", "tune"])
def test_help_names_every_key(name: str, command: Callable[..., Any], tmp_path: Path) -> None:
    keys = importlib.import_module(f"gans.{name}").command.keys.values()
    for arguments in ((), ("--help",), ("run=x", "-h")):
        done = command(name, *arguments)
        assert (done.status, done.err, list(tmp_path.iterdir())) == (0, "", [])
        for key in keys:
            assert re.search(rf"^  {key.key}{'.NAME' * key.named}=\S+", done.out, re.MULTILINE)


@pytest.mark.usefixtures("no_report")
def test_ctrl_c_saves_and_says_how_to_go_on(finished: Any, command: Callable[..., Any], tmp_path: Path) -> None:
    set_up_log()
    metrics, over = tmp_path / "run" / "metrics.jsonl", threading.Event()

    def press() -> None:
        while not over.is_set() and not (metrics.exists() and metrics.read_text()):
            time.sleep(0.02)
        if not over.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    constant = "optimizer.schedule=constant"
    done = command("train", *finished.arguments, "run_dir=run", constant, "trainer.steps=100000")
    over.set()
    thread.join()
    assert done.status == 130
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "interrupted"
    step = summary["steps"]
    assert 0 < step < 100_000
    assert (tmp_path / "run" / "checkpoints" / str(step)).is_dir()
    resuming = [*pasted(done.err, "train"), f"trainer.steps={step + 5}"]
    assert resuming[:2] == ["run_dir=run", "trainer.resume=true"]

    done = command("train", *resuming)
    assert done.status == 0, done.err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["status"], summary["steps"]) == ("completed", step + 5)
    steps = [json.loads(line)["step"] for line in metrics.read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert steps[-1] == step + 5
    assert {path.name for path in (tmp_path / "run").iterdir()} == HOLDS - {"report.html", "model_card.md"}
    calls = yaml.safe_load((tmp_path / "run" / "overrides.yaml").read_text())
    assert [call["overrides"][-1] for call in calls] == ["trainer.steps=100000", f"trainer.steps={step + 5}"]


def test_an_error_while_training_removes_the_new_folder(
    finished: Any, command: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gans.runs import execute as pipeline

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "train", interrupt)
    done = command("train", *finished.arguments, "run_dir=run")
    assert done.status == 130
    assert "Traceback" not in done.err
    assert not (tmp_path / "run").exists()


# gans.sample


def drawn(command: Callable[..., Any], finished: Any, out: str, **given: Any) -> pa.Table:
    given = {"n": 50} | given
    done = command("sample", f"run={finished.path}", f"out={out}", *(f"{key}={value}" for key, value in given.items()))
    assert done.status == 0, done.err
    if out.endswith(".parquet"):
        return pq.read_table(out)
    return pyarrow.csv.read_csv(out) if out.endswith(".csv") else read_table(out, "out")


def test_a_file_that_is_replaced_is_said(finished: Any, command: Callable[..., Any], tmp_path: Path) -> None:
    for text, replaced in (("", False), (", in place of the file that was there", True)):
        done = command("sample", f"run={finished.path}", "n=3", "out=rows.csv")
        (line,) = [line for line in done.err.splitlines() if "rows.csv" in line]
        assert re.fullmatch(rf"3 rows, \d+( of \d+)? columns: rows\.csv{text}", line), line
        assert replaced == line.endswith("was there")


def test_what_is_left_out_of_rows_is_said_with_its_reason() -> None:
    def column(name: str, reason: str = "") -> Column:
        return Column(name=name, kind="text", type="string", role="dropped" if reason else "feature", reason=reason)

    plain = Schema([column("age"), column("plan")])
    assert (drawn_columns(plain), why_left_out(plain)) == ("2 columns", "")
    mail = column("mail", "personal data: e-mail addresses (data.keep=[mail] keeps it, data.fake=[mail] makes it up)")
    some = Schema([column("age"), column("note", "free text"), mail])
    assert drawn_columns(some) == "1 of 3 columns"
    assert why_left_out(some) == "note (free text), mail (personal data: e-mail addresses)"
    many = Schema([column("age"), *(column(f"c{place}", "free text") for place in range(7))])
    assert why_left_out(many).endswith("c4 (free text), and 2 more, see schema.json of the run")


def test_sampled_files_have_the_columns_and_types_of_the_table(
    finished: Any, command: Callable[..., Any], table: pa.Table, tmp_path: Path
) -> None:
    rows = drawn(command, finished, "rows.parquet")
    assert rows.schema.equals(table.schema)
    assert rows.num_rows == 50
    text = drawn(command, finished, "rows.csv")
    assert text.column_names == table.column_names
    assert text.cast(table.schema).to_pylist() == rows.to_pylist()
    assert {path.name for path in tmp_path.iterdir()} == {"rows.parquet", "rows.csv"}
    for name in table.column_names:
        known = [value for value in table[name].to_pylist() if value is not None]
        got = [value for value in rows[name].to_pylist() if value is not None]
        assert min(known) <= min(got) <= max(got) <= max(known)
    assert {name for name in rows.column_names if rows[name].null_count} <= {"visits"}


def test_rows_are_the_same_in_every_kind_of_file(
    finished: Any, command: Callable[..., Any], table: pa.Table, tmp_path: Path
) -> None:
    rows = drawn(command, finished, "rows.parquet").to_pydict()
    for name in ("rows.jsonl", "rows.csv.gz", "rows.tsv.zst", "rows.xlsx"):
        assert drawn(command, finished, name).to_pydict() == rows
    halves = [drawn(command, finished, f"half-{k}.xlsx", part=f"{k}/2") for k in (1, 2)]
    assert pa.concat_tables(halves).to_pydict() == rows
    assert not list(tmp_path.glob("*.croissant.json"))


def test_a_file_beside_the_rows_describes_them(finished: Any, command: Callable[..., Any], table: pa.Table) -> None:
    drawn(command, finished, "my rows.csv.gz", croissant="true", seed=2, part="1/2", where="age >= 30", refine="false")
    found = json.loads(Path("my rows.csv.gz.croissant.json").read_text(encoding="utf-8"))
    (file,), (records,) = found["distribution"], found["recordSet"]
    content = Path("my rows.csv.gz").read_bytes()
    assert (file["sha256"], file["contentSize"]) == (hashlib.sha256(content).hexdigest(), f"{len(content)} B")
    assert file["contentUrl"] == "my%20rows.csv.gz"
    assert file["encodingFormat"] == ["text/csv", "application/gzip"]
    assert [field["name"] for field in records["field"]] == table.column_names
    assert {field["source"]["fileObject"]["@id"] for field in records["field"]} == {file["@id"]}
    assert found["description"].startswith("25 synthetic rows of ")
    made = found["prov:wasGeneratedBy"]["prov:label"]
    assert all(text in made for text in (finished.path.name, "seed=2", "part=1/2", "'where=age >= 30'", "refine=false"))
    assert found["rai:personalSensitiveInformation"] == [UNTESTED]


def test_seeds(finished: Any, command: Callable[..., Any]) -> None:
    rows = drawn(command, finished, "a.parquet", seed=3)
    assert rows.equals(drawn(command, finished, "b.parquet", seed=3))
    assert rows.slice(0, 20).equals(drawn(command, finished, "c.parquet", seed=3, n=20))
    assert not rows.equals(drawn(command, finished, "d.parquet", seed=4))
    assert len(set(rows["income"].to_pylist())) > 40  # a row is not its neighbour's copy


@pytest.mark.parametrize(
    ("where", "fixed"),
    [
        ("segment == 'gold'", {"segment": "gold"}),
        ("age == 40", {"age": 40}),
        ('`segment` == "basic" and 40 == age', {"segment": "basic", "age": 40}),
    ],
)
def test_where_holds_in_every_row(
    finished: Any, command: Callable[..., Any], where: str, fixed: dict[str, Any]
) -> None:
    rows = drawn(command, finished, "rows.parquet", where=where, n=200)
    for name, value in fixed.items():
        assert set(rows[name].to_pylist()) == {value}
    free = {"segment", "age"} - set(fixed)
    for name in free:
        assert len(set(rows[name].to_pylist())) > 1


def test_conditions_are_drawn_as_often_as_they_occur(finished: Any, table: pa.Table) -> None:
    from gans.runs.saved import SavedRun

    saved = SavedRun.open(finished.path)
    sampler, run = saved.sampler(), saved.run
    training = run.data.split(table).training
    rows = sampler.sample(4000, seed=0)
    for segment in ("basic", "plus", "gold"):
        share = np.mean(np.array(training["segment"]) == segment)
        got = np.mean(np.array(rows["segment"]) == segment)
        assert abs(got - share) < 4 * np.sqrt(share * (1 - share) / 4000)


def test_an_existing_file_is_replaced_whole(finished: Any, command: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("old\n" * 1000)
    assert drawn(command, finished, "rows.csv", n=3).num_rows == 3
