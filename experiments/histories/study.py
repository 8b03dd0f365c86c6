"""Customers with their orders, learned, beside orders of anybody, copied customers, SDV's HMA and SDV's PAR.

    python experiments/histories/study.py orders=online_retail.parquet [KEY=VALUE ...]

  orders    the log of Online Retail (UCI, 541,909 lines); without it only the simulated shop is looked at
  runs      folder for logs and run directories (experiments/histories/runs)
  results   folder for results.csv, TABLE.md, the figures and the evaluations (experiments/histories)
  tables    some of online_retail, shop
  seeds=3, steps=4000, customers=3000 (of the simulated shop)
  sdv       a Python interpreter that has sdv, for HMA and PAR
  sdv_customers=500, par_customers=100, sdv_minutes=10: what HMA and PAR get; PAR wants 55 GB for 500 of Online Retail

What is done already is skipped: remove an evaluation in results/evaluations to have it made again.
"""

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, WHOLE
from gans.decisions.judged_histories import history_tables
from gans.errors import UserError, in_range, one_of
from gans.evaluation.history_side import HistorySide
from gans.evaluation.inputs import Tables, read_sides
from gans.evaluation.suite import evaluate
from gans.files import write_atomic, write_table, write_text
from gans.report.figures import REAL, SYNTHETIC, TEXT, legend, name_axes, render, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from baselines import copied_histories, independent_children  # noqa: E402
from trainings import call, train, write_csv  # noqa: E402

log = logging.getLogger("gans")

TABLES = ("online_retail", "shop")
COLUMNS = "{customer: CustomerID, time: InvoiceDate, order: InvoiceNo, quantity: Quantity, price: UnitPrice}"
MOST = 20_000  # customers that are judged
METRICS = ("histories", "history_rows", "unseen", "copies", "membership", "criteria", "nearness")
LEARNED, INDEPENDENT, COPIED = "gans", "independent orders", "copied customers"
PEERS = {"hma": "SDV HMA", "par": "SDV PAR"}
TARGETS = {  # by score its name and, of each table, what is aimed at
    "unseen_score": ("C2ST-Agg against test customers", {"online_retail": ">= .80", "shop": ">= .90"}),
    "history_counts/orders": ("orders a customer, KS", "< .03"),
    "history_gaps/orders": ("days between orders, KS", "< .05"),
    "history_retention/orders": ("retention, worst month", "< .03"),
    "history_keys/orders": ("rows of no known customer", "0"),
    "history_impossible/orders": ("customers with an impossible order", "0"),
    "membership_worst_auc": ("worst membership attack, AUC", "interval holds .5"),
    "exact_copies": ("copies of training customers", "0"),
    "history_rfm/orders": ("recency, frequency, money in fifths", ""),
    "history_value/orders": ("spending of a customer, KS", ""),
    "history_weekday/orders": ("weekdays", ""),
    "history_hour/orders": ("hours", ""),
    "history_lag/orders": ("correlation with the order before", ""),
    "history_parent/orders": ("association of customer and order", ""),
    "history_order/orders": ("what follows what", ""),
    "event_shapes/orders": ("columns of orders, shape error, %", ""),
    "event_unseen/orders": ("orders against those of test customers, score", ""),
    "event_unseen/orders rows": ("lines against those of test customers, score", ""),
}


def overrides(name: str, orders: str | None, runs: Path, customers: int) -> list[str]:
    """What gans train is given to learn from; the shop is simulated first, once.

    Raises:
        UserError: the log of Online Retail is not given.
    """
    if name == "online_retail":
        if orders is None:
            raise UserError("orders is not set: set it to the log of Online Retail, or set tables=[shop].")
        return [f"data.orders={Path(orders).resolve()}", "data.orphans=drop", f"data.columns.orders={COLUMNS}"]
    folder = runs / f"shop-{customers}"
    if not folder.is_dir():
        call("simulate", f"customers={customers}", f"out={folder}")
    return [f"data.orders={folder}/orders.parquet", f"data.customers={folder}/customers.parquet"]


def trained(folder: Path, settings: list[str], seed: int, steps: int) -> Path:
    """A run of histories that holds out a fifth of the customers, trained unless it is there."""
    train(folder, "+experiment=histories", *settings, "data.holdout=0.2", f"seed={seed}", f"trainer.steps={steps}")
    return folder


def beside(tables: Tables, made: HistorySide) -> Tables:
    """The same real customers with other synthetic ones."""
    sides = read_sides(tables.schema, tables.real, made.aggregates(tables.histories["real"].form), tables.test)
    return replace(sides, histories={**tables.histories, "synthetic": made}, shared=tables.shared)


def judge(path: Path, tables: Callable[[], Tables]) -> None:
    """Write an evaluation, unless it is there."""
    if path.is_file():
        return
    log.info("%s", path)
    found = evaluate(tables(), only=METRICS)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(found.to_json(), indent=1) + "\n")


def peer(
    method: str, tables: Tables, folder: Path, interpreter: str, customers: int, minutes: int
) -> HistorySide | None:
    """Customers of HMA or PAR, learned from some of the training customers; None where it failed, or took too long."""
    from gans.data.files import read_table

    real = tables.histories["real"]
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "customers.parquet", real.customers)
    write_table(folder / "orders.parquet", real.logs["orders"])
    out = folder / method
    if not (out / "usage.json").is_file():
        asked = [interpreter, HERE / "peers.py", method, folder, out, customers, minutes]
        status = subprocess.run(list(map(str, asked))).returncode
        if status:
            why = (
                f"not done in {minutes} minutes" if status == -signal.SIGALRM else f"failed, with exit status {status}"
            )
            log.warning("%s on %s: %s", PEERS[method], folder.name, why)
            return None
    made = {name: read_table(str(out / f"{name}.parquet"), method) for name in ("customers", "orders")}
    types = {name: table.schema for name, table in (("customers", real.customers), ("orders", real.logs["orders"]))}
    sides = {
        name: table.select([one.name for one in types[name]]).cast(types[name], safe=False)
        for name, table in made.items()
    }
    return HistorySide(sides["customers"], {"orders": sides["orders"]})


@takes(
    Key("orders", FILE),
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("tables", NAMES, default=list(TABLES)),
    Key("sdv", FILE),
    *(
        Key(key, WHOLE, default=value)
        for key, value in {
            "seeds": 3,
            "steps": 4000,
            "customers": 3000,
            "sdv_customers": 500,
            "par_customers": 100,
            "sdv_minutes": 10,
        }.items()
    ),
    text=__doc__,
)
def main(orders: str | None, tables: list[str], **given: Any) -> int:
    """Train, judge, then write results.csv, TABLE.md and the figures."""
    in_range("seeds", given["seeds"], 1)
    for name in tables:
        one_of("tables", name, TABLES)
    runs, results = (Path(given[key]).resolve() for key in ("runs", "results"))
    interpreter = given.get("sdv")
    for name in tables:
        settings = overrides(name, orders, runs, given["customers"])
        for seed in range(given["seeds"]):
            stored = results / "evaluations" / f"{name}-{seed}"
            folder = trained(runs / name / str(seed), settings, seed, given["steps"])
            known: list[Tables] = []

            def learned(folder: Path = folder, known: list[Tables] = known) -> Tables:
                known[:] = known or [history_tables({"run": str(folder), "trust": True}, MOST)]
                return known[0]

            judge(stored.with_name(f"{stored.name}-gans.json"), learned)
            for method, make in (("independent", independent_children), ("copied", copied_histories)):

                def made(make: Callable[..., HistorySide] = make, seed: int = seed, learned: Any = learned) -> Tables:
                    real = learned().histories["real"]
                    return beside(learned(), make(real, real.customers.num_rows, seed))

                judge(stored.with_name(f"{stored.name}-{method}.json"), made)
            for method in PEERS if interpreter and seed == 0 else ():
                path = stored.with_name(f"{stored.name}-{method}.json")
                if path.is_file():
                    continue
                limits = given["par_customers" if method == "par" else "sdv_customers"], given["sdv_minutes"]
                few = peer(method, learned(), runs / "sdv" / name, interpreter, *limits)
                if few is not None:
                    judge(path, lambda few=few, learned=learned: beside(learned(), few))
    write_results(results)
    return 0


METHODS = {"gans": LEARNED, "independent": INDEPENDENT, "copied": COPIED, **PEERS}


def stored_evaluations(results: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    """The evaluations by table, method and seed."""
    out = {}
    for path in sorted((results / "evaluations").glob("*.json")):
        name, seed, method = path.stem.split("-")
        out[name, METHODS[method], int(seed)] = json.loads(path.read_text())
    return out


def write_results(results: Path) -> None:
    """results.csv, TABLE.md and the figures, from the stored evaluations."""
    found = stored_evaluations(results)
    rows = [
        {"table": name, "method": method, "seed": seed, "score": score}
        | {key: "" if one[key] is None else one[key] for key in ("value", "low", "high", "real")}
        for (name, method, seed), each in found.items()
        for score, one in each["scores"].items()
    ]
    write_csv(results / "results.csv", rows)
    write_text(results / "TABLE.md", "\n".join(table_lines(found)) + "\n")
    for name in TABLES:
        if (name, LEARNED, 0) in found:
            drawn = figure(found, name)
            write_atomic(results / f"{name}.png", lambda path, drawn=drawn: path.write_bytes(render(drawn, "png")))


def table_lines(found: dict[tuple[str, str, int], dict[str, Any]]) -> Iterable[str]:
    """Of each table the scores of each method, means over seeds with their range, beside held-out customers."""
    for name in TABLES:
        methods = [method for method in METHODS.values() if any(key[:2] == (name, method) for key in found)]
        if not methods:
            continue
        rows = (
            next(iter(found.values()))["rows"] if (name, LEARNED, 0) not in found else found[name, LEARNED, 0]["rows"]
        )
        yield f"## {name}: {rows['real']:,} training and {rows['test']:,} test customers\n"
        yield f"| | target | {' | '.join(methods)} | held-out customers |\n|---|---|{'---|' * (len(methods) + 1)}"
        for score, (title, target) in TARGETS.items():
            cells = [_cell([one["scores"].get(score) for (table, way, _), one in found.items()
                            if (table, way) == (name, method)]) for method in methods]  # fmt: skip
            if not any(cells):
                continue
            every = [
                one["scores"][score] for (table, *_), one in found.items() if table == name and score in one["scores"]
            ]
            known = [one["real"] for one in every if one["real"] is not None]
            aim = target if isinstance(target, str) else target[name]
            yield f"| {title} | {aim} | {' | '.join(cells)} | {_number(known[0]) if known else ''} |"
        yield ""


def _cell(every: list[dict[str, Any] | None]) -> str:
    """The mean of the seeds with their range, or the interval of one seed."""
    scores = [one for one in every if one is not None and one["value"] is not None]
    if not scores:
        return ""
    values = [one["value"] for one in scores]
    if len(values) > 1 and max(values) > min(values):
        return f"{_number(float(np.mean(values)))} ({_number(min(values))} to {_number(max(values))})"
    low, high = scores[0]["low"], scores[0]["high"]
    interval = "" if low is None or len(values) > 1 else f" ({_number(low)} to {_number(high)})"
    return _number(values[0]) + interval


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def figure(found: dict[tuple[str, str, int], dict[str, Any]], name: str) -> "Figure":
    """Retention, orders a customer and days between orders of real, learned and independent orders."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    from gans.evaluation.history_curves import COUNTS, GAPS

    drawn = Figure(figsize=(11, 3.4), layout="constrained")
    panels: Any = drawn.subplots(1, 3)
    mine = found[name, LEARNED, 0]["details"]["histories"]["orders"]
    lines = {"real": (mine, "real", REAL, "-"), "held-out real": (mine, "test", REAL, ":"),
             LEARNED: (mine, "synthetic", SYNTHETIC, "-")}  # fmt: skip
    if (name, INDEPENDENT, 0) in found:
        other = found[name, INDEPENDENT, 0]["details"]["histories"]["orders"]
        lines[INDEPENDENT] = (other, "synthetic", "#8a6bb0", "--")
    titles = {"retention": "orders in the month after the first one", "counts": "orders of a customer, at least",
              "gaps": "days to the next order, at least"}  # fmt: skip
    for axes, (what, title) in zip(panels, titles.items(), strict=True):
        style(axes)
        for label, (details, side, color, kind) in lines.items():
            values = np.array(details[what][side], float)
            axes.plot(
                np.arange(len(values)) + (what == "retention"),
                values,
                kind,
                color=color,
                label=label,
                marker="o",
                markersize=3,
            )
        if what == "retention":
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        else:
            names = COUNTS if what == "counts" else GAPS
            axes.set_xticks(range(len(names)), [str(one) for one in names], rotation=90)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_ylim(0, None)
        name_axes(axes, title, size=TEXT)
    legend(panels[0])
    return drawn


if __name__ == "__main__":
    main_command(main.run)
