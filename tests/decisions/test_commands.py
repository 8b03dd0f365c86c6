"""The commands on a trained run: pages and files, and one message for a mistake."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from gans.decisions.cases import open_cases


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, related: Any) -> Path:
    """The training table of the run, and other rows of the same kind."""
    folder = tmp_path_factory.mktemp("tables")
    pq.write_table(related.table.slice(0, 450), folder / "real.parquet")
    pq.write_table(related.table.slice(450), folder / "test.parquet")
    pq.write_table(related.table.slice(0, 20), folder / "few.parquet")
    return folder


@pytest.fixture
def arguments(related: Any, files: Path) -> tuple[str, ...]:
    """What names the run and its tables."""
    return (f"run={related.path}", f"real={files}/real.parquet", f"test={files}/test.parquet")


USES = [
    ("marketing", ("target=channel", "cost=2", "margin=5")),
    ("risk", ("target=channel", "positive=web")),
    ("product", ("of=channel", "by=age", "where=spend > 60")),
    ("research", ("target=channel", "k=2")),
    ("privacy", ("secrets=[spend]",)),
]


@pytest.mark.parametrize(("scenario", "options"), USES)
def test_a_use_writes_its_page(
    command: Callable[..., Any], arguments: tuple[str, ...], scenario: str, options: tuple[str, ...]
) -> None:
    found = command("use", f"scenario={scenario}", *arguments, *options, "out=uses")
    assert found.status == 0, found.err
    page = Path(f"uses/use_{scenario}.html").read_text()
    stored = json.loads(Path(f"uses/use_{scenario}.json").read_text())
    assert stored["question"] in found.out
    assert stored["answer"][0]["text"][:20] in page
    assert page.count("<img") >= 1
    assert "http" not in page.replace("http://www.w3.org", "")
    for measure in stored["measures"]:
        assert measure["name"] in found.out


@pytest.mark.slow
def test_a_shortage_trains_a_generator_of_its_own(
    command: Callable[..., Any], arguments: tuple[str, ...], related: Any
) -> None:
    options = ("scenario=risk", "target=channel", "positive=shop", "shortages=[0.5]", "steps=10", "out=uses")
    found = command("use", *arguments, *options)
    assert found.status == 0, found.err
    (folder,) = related.path.glob("shortage-0.5-*")
    summary = json.loads((folder / "summary.json").read_text())
    shop = related.table.slice(0, 450)["channel"].to_pylist().count("shop")
    assert (summary["steps"], summary["status"]) == (10, "completed")
    assert sum(summary["rows"].values()) == 450 - shop + round(shop / 2)
    stored = json.loads(Path("uses/use_risk.json").read_text())
    assert "AUC with 50% of the bad cases" in [one["name"] for one in stored["measures"]]
    before = (folder / "summary.json").stat().st_mtime_ns
    assert command("use", *arguments, *options).status == 0
    assert (folder / "summary.json").stat().st_mtime_ns == before  # a finished one is used again
    summary["status"] = "interrupted"
    (folder / "summary.json").write_text(json.dumps(summary))
    found = command("use", *arguments, *options)
    assert found.status == 0, found.err
    assert json.loads((folder / "summary.json").read_text())["status"] == "completed"
    other = [option if option != "positive=shop" else "positive=web" for option in options]
    assert command("use", *arguments, *other).status == 0
    assert len(list(related.path.glob("shortage-0.5-*"))) == 2  # another question has a generator of its own


def test_several_runs_are_pooled(command: Callable[..., Any], arguments: tuple[str, ...], related: Any) -> None:
    run, *tables = arguments
    found = command("use", "scenario=marketing", f"{run},{related.path}", *tables, "target=channel", "out=uses")
    assert found.status == 0, found.err
    assert json.loads(Path("uses/use_marketing.json").read_text())["runs"] == 2


def test_the_worst_of_several_runs_is_corrected_for_their_number(arguments: tuple[str, ...], related: Any) -> None:
    given = dict(argument.split("=", 1) for argument in arguments)
    for runs in (1, 2):
        cases = open_cases(given | {"run": [str(related.path)] * runs})
        assert [case.tables.runs for case in cases] == [runs] * runs


def test_personas_write_a_page_and_a_table(command: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    found = command("personas", *arguments, "k=3", "out=personas")
    assert found.status == 0, found.err
    table = pyarrow.csv.read_csv("personas/personas.csv")
    assert table.num_rows == 3
    assert sum(table["share_synthetic"].to_pylist()) == pytest.approx(1, abs=0.01)
    page = Path("personas/personas.html").read_text()
    assert page.count('class="persona"') == 3
    assert table["name"][0].as_py().replace("'", "&#39;") in page


def test_augment_writes_real_and_synthetic_rows(command: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    found = command("augment", *arguments, "target=channel", "out=more.csv")
    assert found.status == 0, found.err
    assert "real rows" in found.out
    table = pyarrow.csv.read_csv("more.csv")
    counts = [table["channel"].to_pylist().count(level) for level in ("web", "shop")]
    assert counts[0] == counts[1]


MISTAKES = [
    ("use", ("scenario=sales",), ("scenario=sales", "marketing, risk")),
    ("use", (), ("scenario is not set",)),
    ("use", ("scenario=privacy", "cost=3"), ("cost=3", "scenario=privacy takes secrets")),
    ("use", ("scenario=marketing", "target=channel", "cost=0"), ("cost=0", "more than 0")),
    ("use", ("scenario=marketing", "target=channel", "margin=much"), ("margin=much",)),
    ("use", ("scenario=marketing", "target=chanel"), ("target=chanel", "Did you mean 'channel'")),
    ("use", ("scenario=marketing", "target=channel", "positive=mail"), ("positive=mail", "shop, web")),
    ("use", ("scenario=research", "target=channel", "k=1"), ("k=1", "at least 2")),
    ("use", ("scenario=product", "of=channel", "by=nothing"), ("by=nothing",)),
    ("use", ("scenario=product", "of=channel", "by=age", "where=agee > 3"), ("agee",)),
    ("use", ("scenario=product", "of=channel", "by=channel"), ("by=channel", "another column")),
    ("use", ("scenario=privacy", "secrets=[wage]"), ("secrets=wage",)),
    ("use", ("scenario=privacy", "test={files}/few.parquet"), ("20 held-out rows", "at least 100")),
    ("use", ("scenario=privacy", "run=nowhere"), ("run=nowhere", "no such folder")),
    ("personas", ("k=0",), ("k=0", "at least 2")),
    ("personas", ("k=6", "out={files}/real.parquet"), ("it is a file",)),
    ("augment", ("target=channel", "how=more"), ("how=more", "balance, grow")),
    ("augment", ("target=age",), ("target=age", "how=grow")),
    ("augment", ("target=channel", "n=10"), ("n=10", "how=grow")),
    ("augment", ("target=channel", "how=grow", "n=0"), ("n=0", "at least 1")),
    ("augment", ("target=channel", "out=rows.doc"), ("out=rows.doc", ".parquet")),
    ("augment", ("target=channel", "out=nowhere/rows.csv"), ("there is no folder nowhere",)),
    ("events", ("n=10", "out=events"), ("was not made of events",)),
    ("events", ("n=10",), ("out is not set",)),
    ("simulate", ("customers=0", "out=shop"), ("customers=0", "at least 1")),
    ("simulate", ("customers=5",), ("out is not set",)),
    ("profiles", ("data=households", "out=p.csv"), ("makes no profiles",)),
    ("profiles", ("data.orders=x.csv", "out=p.txt"), ("out=p.txt",)),
]


@pytest.mark.parametrize(("name", "given", "said"), MISTAKES)
def test_one_message_for_a_mistake(
    command: Callable[..., Any], arguments: tuple[str, ...], files: Path, name: str, given: tuple[str, ...],
    said: tuple[str, ...],
) -> None:  # fmt: skip
    keys = {argument.split("=", 1)[0] for argument in given}
    usual = arguments if name in ("use", "personas", "augment") else arguments[:1] if name == "events" else ()
    every = [one for one in usual if one.split("=", 1)[0] not in keys] + [one.format(files=files) for one in given]
    before = sorted(Path().iterdir())
    found = command(name, *every)
    assert found.status == 2, found.out
    assert found.err.startswith("error: "), found.err
    assert found.err.count("\n") == 1, found.err
    for text in said:
        assert text in found.err
    assert sorted(Path().iterdir()) == before


@pytest.mark.slow
def test_events_of_profiles(command: Callable[..., Any], tiny: tuple[str, ...], no_report: None) -> None:
    command("simulate", "customers=250", "out=shop")
    logs = [f"data.{kind}=shop/{kind}.parquet" for kind in ("orders", "views", "social", "customers")]
    train = ("train", "data=profiles", *logs, "+debug=limit", *tiny, "tracker.mode=disabled", "run_dir=run")
    assert command("simulate", "customers=250", "out=shop").status == 2  # it is not empty
    assert command(*train).status == 0
    assert pq.read_table("run/samples.parquet").num_columns > 40
    assert "reference is not set" in command("events", "run=run", "n=50", "out=events").err
    found = command("events", "run=run", "n=50", "reference=2093-01-01", "out=events")
    assert (found.status, "in the future" in found.err, Path("events").exists()) == (2, True, False)
    found = command("events", "run=run", "n=50", "reference=2025-01-01", "out=events")
    assert found.status == 0, found.err
    assert {path.name for path in Path("events").iterdir()} == {
        *(f"{kind}.parquet" for kind in ("orders", "views", "social", "customers")), "events.json", "events.html",
    }  # fmt: skip
    assert pq.read_table("events/customers.parquet").num_rows == 50
    assert json.loads(Path("events/events.json").read_text())["frequency"]["equal"] > 0.9
    assert pa.types.is_timestamp(pq.read_schema("events/orders.parquet").field("time").type)
