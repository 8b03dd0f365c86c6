"""Who buys in the next 90 days: a model trained on synthetic histories, beside one trained on synthetic profiles.

    python experiments/histories/uses.py orders=online_retail.parquet [KEY=VALUE ...]

  orders    the log of Online Retail; without it set tables=[shop]
  runs      folder of the run directories, shared with study.py (experiments/histories/runs)
  results   folder for uses.csv, USES.md and the answers (experiments/histories)
  tables    some of online_retail, shop
  seeds=3, steps=4000, customers=3000 (of the simulated shop): as in study.py, whose trainings are used
  profile_steps=3000: of the generator of profiles

What is done already is skipped: remove an answer in results/answers to have it made again.
"""

import datetime as dt
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, WHOLE
from gans.data.customer_profiles import Profiles
from gans.data.events.chains import EVENT
from gans.decisions.cases import open_cases
from gans.decisions.judged_histories import history_tables
from gans.decisions.scenarios import answer_of
from gans.errors import in_range, one_of
from gans.evaluation.history_side import HistorySide
from gans.files import write_table, write_text
from gans.findings.answers import REAL, SYNTHETIC

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from study import MOST, TABLES, overrides, trained  # noqa: E402
from trainings import train, write_csv  # noqa: E402

log = logging.getLogger("gans")
pc: Any = pyarrow.compute  # its functions are made at run time

DAYS = 90
TARGET = "buys_next"
HISTORIES, PROFILES = "histories", "profiles"
ARMS = {REAL: "real customers", HISTORIES: "synthetic histories", PROFILES: "synthetic profiles"}
MARKETING = {"positive": "true", "cost": 1.0, "margin": 4.0}


@dataclass
class Labelled:
    """Profiles at the cut, with the label: whether the customer bought in the 90 days behind it.

    Attributes:
        cut: the date.
        tables: by side real, synthetic, test; who neither ordered nor came before the cut is left out.
    """

    cut: dt.date
    tables: dict[str, pa.Table]


def labelled(sides: Mapping[str, HistorySide]) -> Labelled:
    """Cut the orders of all sides 90 days before the first of them ends, and make profiles of what lies before."""
    logs = {name: _orders(side) for name, side in sides.items()}
    ends = min(max(table["time"].to_pylist()) for table in logs.values())
    cut = ends.date() + dt.timedelta(days=1 - DAYS)
    source, tables = Profiles(reference=cut.isoformat(), outcome=DAYS), {}
    for name, side in sides.items():
        given = {"orders": logs[name]}
        if len(side.customers.column_names) > 1:  # the key, and what customers are
            given["customers"] = side.customers
        made = source.profiles(given)[0].drop_columns(["customer"])
        tables[name] = made.filter(pc.is_valid(made["tenure_days"]))  # others are not known at the cut
    return Labelled(cut, tables)


def _orders(side: HistorySide) -> pa.Table:
    orders = side.logs["orders"]
    return orders.rename_columns(["order" if name == EVENT else name for name in orders.column_names])


def write_profiles(folder: Path, run: Path) -> None:
    """Write the labelled profiles of a run of histories, once: real, synthetic and test.parquet, and cut.json."""
    if (folder / "cut.json").is_file():
        return
    found = labelled(history_tables({"run": str(run), "trust": True}, MOST).histories)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in found.tables.items():
        write_table(folder / f"{name}.parquet", table)
    write_text(folder / "cut.json", json.dumps({"cut": found.cut.isoformat()}) + "\n")


def ask(folder: Path, run: Path) -> dict[str, Any]:
    """What gans use scenario=marketing answers about the test customers, by arm.

    Args:
        folder: of the labelled profiles.
        run: of the generator that learned from the real ones.
    """
    files = {name: folder / f"{name}.parquet" for name in ("real", "synthetic", "test")}
    given: dict[str, Any] = {"run": [str(run)], "real": str(files["real"]), "test": str(files["test"])}
    given |= MARKETING
    measures: dict[str, Any] = {}
    rows: dict[str, Any] = {}
    for arm, more in ((PROFILES, {}), (HISTORIES, {"synthetic": str(files["synthetic"])})):
        cases = open_cases(given | more)
        found = answer_of("marketing", cases, given)
        for one in found.measures:
            kept = measures.setdefault(one.name, {"values": {}, "gains": {}})
            kept["values"] |= {REAL: one.values[REAL], arm: one.values[SYNTHETIC]}
            kept["gains"][arm] = one.gains[SYNTHETIC]
        case = cases[0]
        sides = {REAL: case.real, arm: case.synthetic, "test": case.test}
        rows |= {name: {"rows": side.rows, "buy": _share(side)} for name, side in sides.items()}
    return {"cut": json.loads((folder / "cut.json").read_text())["cut"], "rows": rows, "measures": measures}


def _share(side: Any) -> float:
    return float((side.columns[TARGET] == side.levels[TARGET].index("true")).mean())


@takes(
    Key("orders", FILE),
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("tables", NAMES, default=list(TABLES)),
    *(
        Key(key, WHOLE, default=value)
        for key, value in {"seeds": 3, "steps": 4000, "customers": 3000, "profile_steps": 3000}.items()
    ),
    text=__doc__,
)
def main(orders: str | None, tables: list[str], **given: Any) -> int:
    """Train what is not trained yet, ask, then write uses.csv and USES.md."""
    in_range("seeds", given["seeds"], 1)
    for name in tables:
        one_of("tables", name, TABLES)
    runs, results = (Path(given[key]).resolve() for key in ("runs", "results"))
    for name in tables:
        settings = overrides(name, orders, runs, given["customers"])
        for seed in range(given["seeds"]):
            path = results / "answers" / f"{name}-{seed}.json"
            if path.is_file():
                continue
            log.info("%s", path)
            histories = trained(runs / name / str(seed), settings, seed, given["steps"])
            folder = runs / "uses" / name / str(seed)
            write_profiles(folder, histories)
            run = folder / "run"
            train(run, "+experiment=tabular", f"data.path={folder}/real.parquet", f"data.target={TARGET}",
                  f"seed={seed}", f"trainer.steps={given['profile_steps']}")  # fmt: skip
            found = ask(folder, run)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(found, indent=1) + "\n")
    write_results(results)
    return 0


def stored_answers(results: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The answers by table and seed."""
    out = {}
    for path in sorted((results / "answers").glob("*.json")):
        name, seed = path.stem.split("-")
        out[name, int(seed)] = json.loads(path.read_text())
    return out


def write_results(results: Path) -> None:
    """uses.csv and USES.md, from the stored answers."""
    found = stored_answers(results)
    rows = [
        {"table": name, "seed": seed, "arm": arm, "measure": measure, "difference to real": what == "gains"}
        | dict(zip(("value", "low", "high"), value, strict=True))
        for (name, seed), one in found.items()
        for measure, kept in one["measures"].items()
        for what in ("values", "gains")
        for arm, value in kept[what].items()
    ]
    write_csv(results / "uses.csv", rows)
    write_text(results / "USES.md", "\n".join(table_lines(found)) + "\n")


def table_lines(found: dict[tuple[str, int], dict[str, Any]]) -> Iterable[str]:
    """Of each table the measures of each arm on test customers: means over seeds, or the interval of a single one."""
    yield "# Who buys in the next 90 days\n"
    yield (
        "`gans use scenario=marketing`: boosted trees are trained on profiles of each kind and rank the same real test "
        "customers, whom\nno generator has seen. README.md has the protocol. In brackets: 95% intervals over test "
        "customers, or the range over seeds."
    )
    for name in TABLES:
        answers = [one for (table, _), one in found.items() if table == name]
        if not answers:
            continue
        rows = answers[0]["rows"]
        yield (
            f"\n## {name}, cut on {answers[0]['cut']}: {rows[REAL]['rows']:,} training and "
            f"{rows['test']['rows']:,} test customers, {rows['test']['buy']:.1%} of whom buy\n"
        )
        yield f"| trained on | who buy | {' | '.join(answers[0]['measures'])} | AUC, difference to real customers |"
        yield f"|---|---|{'---|' * (len(answers[0]['measures']) + 1)}"
        for arm, title in ARMS.items():
            share = sum(one["rows"][arm]["buy"] for one in answers) / len(answers)
            cells = [_cell([one["measures"][measure]["values"][arm] for one in answers])
                     for measure in answers[0]["measures"]]  # fmt: skip
            gains = [one["measures"]["AUC"]["gains"][arm] for one in answers if arm != REAL]
            yield f"| {title} | {share:.1%} | {' | '.join(cells)} | {_cell(gains) if gains else ''} |"


def _cell(every: list[list[float]]) -> str:
    """The mean of the seeds with their range, or the interval of one seed."""
    values = [one[0] for one in every]
    low, high = (min(values), max(values)) if len(values) > 1 else every[0][1:]
    shown = [f"{one:.3f}" if abs(one) < 10 else f"{one:,.0f}" for one in (sum(values) / len(values), low, high)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


if __name__ == "__main__":
    main_command(main.run)
