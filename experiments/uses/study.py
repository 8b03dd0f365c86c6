"""The five uses on four public tables, five training seeds each, always beside real rows only.

    python experiments/uses/study.py data.root=FOLDER [KEY=VALUE ...]

  data.root  folder of credit_default.parquet, shoppers.parquet, churn.parquet and online_retail.parquet
  runs       folder for tables and run directories (experiments/uses/runs)
  results    folder for the tables, the figures and the frozen answers (experiments/uses)
  tables     some of the four, as in tables=[churn]
  scenarios  some of the five
  seeds=5, steps=2000, shortage_steps=1000

30 % of each table are test rows, drawn before anything is trained and seen by no run. What is done already is skipped:
remove an answer in results/answers to have it made again.
"""

import csv
import io
import json
import logging
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, NAMES, WHOLE
from gans.config.compose import compose
from gans.data.customer_profiles import Profiles
from gans.decisions.cases import open_cases
from gans.decisions.scenarios import answer_of, draw
from gans.errors import UserError, in_range, one_of
from gans.files import write_atomic, write_table, write_text
from gans.report.figures import render
from gans.use import SCENARIOS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from trainings import train  # noqa: E402

log = logging.getLogger("gans")

TEST = 0.3
SHORTAGES = ["0.2", "0.05"]
RARE = ("churn", "credit_default")  # tables of banks, whose bad case is rare
RETAIL = ("data=online_retail", "data.reference=2011-09-10", "data.outcome=90")
# by table the overrides of its training, and what is asked of it; a contact of a shop's regular customers earns less
TABLES: dict[str, tuple[tuple[str, ...], dict[str, dict[str, Any]]]] = {
    "churn": (("data=churn",), {
        "product": {"of": "Geography", "by": "Age"},
        "privacy": {"secrets": ["EstimatedSalary", "Balance"]},
    }),
    "shoppers": (("data=shoppers",), {
        "product": {"of": "VisitorType", "by": "Month"},
        "privacy": {"secrets": ["PageValues", "Region"]},
    }),
    "credit_default": (("data=credit_default",), {
        "product": {"of": "EDUCATION", "by": "AGE"},
        "privacy": {"secrets": ["LIMIT_BAL", "EDUCATION"]},
    }),
    "online_retail": (("data=table", "data.target=buys_next"), {
        "marketing": {"positive": "true", "margin": 2.0},
        "risk": {"positive": "false"},
        "research": {"positive": "true"},
        "product": {"of": "favourite_weekday", "by": "monetary"},
        "privacy": {"secrets": ["country", "monetary"]},
    }),
}  # fmt: skip


def split(name: str, root: Path, runs: Path) -> None:
    """Write the training and the test rows of a table, once."""
    if (runs / "test" / f"{name}.parquet").is_file():
        return
    for folder in ("train", "test"):
        (runs / folder).mkdir(parents=True, exist_ok=True)
    if name == "online_retail":
        source = compose([*RETAIL, f"data.root={root}"]).data
        assert isinstance(source, Profiles)
        table = source.read()
    else:
        table = pq.read_table(root / f"{name}.parquet")
    order = np.random.default_rng(0).permutation(table.num_rows)
    held = round(TEST * table.num_rows)
    for folder, places in (("train", order[held:]), ("test", order[:held])):
        write_table(runs / folder / f"{name}.parquet", table.take(pa.array(np.sort(places))))


def train_all(name: str, runs: Path, seeds: int, steps: int) -> list[Path]:
    """The run directories of a table, a training seed each."""
    where = f"data.path={runs}/train/{name}.parquet" if name == "online_retail" else f"data.root={runs}/train"
    folders = []
    for seed in range(seeds):
        folder = runs / "runs" / name / str(seed)
        train(folder, "+experiment=tabular", *TABLES[name][0], where, f"seed={seed}", f"trainer.steps={steps}",
              "trainer.evaluate_every=500")  # fmt: skip
        folders.append(folder)
    return folders


def answer(name: str, scenario: str, folders: list[Path], runs: Path, results: Path, steps: int) -> None:
    """Ask one question of one table over all seeds, and freeze the answer."""
    out = results / "answers" / f"{name}-{scenario}.json"
    if out.is_file():
        return
    log.info("%s of %s", scenario, name)
    options = dict(TABLES[name][1].get(scenario, {}))
    if scenario == "risk" and name in RARE:
        options |= {"shortages": SHORTAGES, "steps": steps}
    given = {"run": list(map(str, folders)), "test": str(runs / "test" / f"{name}.parquet")}
    found = answer_of(scenario, open_cases(given | options), options)
    stored = found.to_json()
    stored["single runs"] = [one.to_json()["measures"] for one in found.runs]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, json.dumps(stored, indent=1, ensure_ascii=False, default=str) + "\n")
    for title, figure in draw(found).items():
        words = re.findall("[a-z]+", title.split(":")[0].lower())
        stem = "-".join([name, scenario, *words[:4]])
        (runs / "figures").mkdir(exist_ok=True)
        write_atomic(
            runs / "figures" / f"{stem}.png", lambda path, figure=figure: path.write_bytes(render(figure, "png"))
        )


@takes(
    Key("data.root", FOLDER),
    Key("runs", FOLDER, default=HERE / "runs"),
    Key("results", FOLDER, default=HERE),
    Key("tables", NAMES, default=list(TABLES)),
    Key("scenarios", NAMES, default=list(SCENARIOS)),
    *(Key(key, WHOLE, default=value) for key, value in {"seeds": 5, "steps": 2000, "shortage_steps": 1000}.items()),
    text=__doc__,
)
def main(data_root: str | None, tables: list[str], scenarios: list[str], **given: Any) -> int:
    """Split, train, ask, then write results.csv, TABLE.md and the figures."""
    in_range("seeds", given["seeds"], 2)
    for key, names, allowed in (("tables", tables, TABLES), ("scenarios", scenarios, SCENARIOS)):
        for name in names:
            one_of(key, name, allowed)
    runs, results = (Path(given[key]).resolve() for key in ("runs", "results"))
    for name in tables:
        if data_root is None and not (runs / "test" / f"{name}.parquet").is_file():
            raise UserError("data.root is not set: set it to the folder that holds the four tables.")
        split(name, Path(data_root or "."), runs)
        folders = train_all(name, runs, given["seeds"], given["steps"])
        for scenario in scenarios:
            answer(name, scenario, folders, runs, results, given["shortage_steps"])
    write_results(results)
    return 0


def write_results(results: Path) -> None:
    """results.csv, TABLE.md and the figures, from the frozen answers."""
    answers = {
        (name, scenario): json.loads(path.read_text())
        for name in TABLES
        for scenario in SCENARIOS
        if (path := results / "answers" / f"{name}-{scenario}.json").is_file()
    }
    rows = [
        [name, scenario, one["name"], arm, *value, *one["gains"].get(arm, ["", "", ""]), one["verdicts"].get(arm, "")]
        for (name, scenario), found in answers.items()
        for one in found["measures"]
        for arm, value in one["values"].items()
    ]
    text = io.StringIO()
    head = ["table", "scenario", "measure", "arm", "value", "low", "high", "gain", "gain_low", "gain_high", "verdict"]
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    write_text(results / "results.csv", text.getvalue())
    write_text(results / "TABLE.md", "\n".join(table_lines(answers)) + "\n")
    for scenario in SCENARIOS:
        found = {name: one for (name, kind), one in answers.items() if kind == scenario}
        if found:
            figure = scenario_figure(found)
            write_atomic(
                results / f"{scenario}.png", lambda path, figure=figure: path.write_bytes(render(figure, "png"))
            )


def table_lines(answers: dict[tuple[str, str], dict[str, Any]]) -> Iterable[str]:
    """Of each scenario and table the answer in words, and its figures."""

    def cell(value: list[float | None]) -> str:
        number, low, high = value
        if number is None:
            return ""
        digits = 0 if abs(number) >= 100 else 3
        text = f"{number:.{digits}f}"
        return text if low is None or high is None else f"{text} ({low:.{digits}f} to {high:.{digits}f})"

    for scenario in SCENARIOS:
        some = {name: found for (name, kind), found in answers.items() if kind == scenario}
        if not some:
            continue
        yield f"## {scenario.capitalize()}\n"
        for name, found in some.items():
            yield f"### {name}: {found['question']}\n"
            yield from (f"- {one['text']}" for one in found["answer"])
            arms = list(dict.fromkeys(arm for one in found["measures"] for arm in one["values"]))
            yield f"\n| | {' | '.join(arms)} |\n|---|{'---|' * len(arms)}"
            for one in found["measures"]:
                cells = []
                for arm in arms:
                    text = cell(one["values"][arm]) if arm in one["values"] else ""
                    verdict = one["verdicts"].get(arm, "")
                    cells.append(f"**{text}** {verdict}" if verdict == "gain" else f"{text} {verdict}".strip())
                yield f"| {one['name']} | {' | '.join(cells)} |"
            yield ""


SHOWN = {
    "marketing": ("AUC",),
    "risk": ("AUC", "AUC with 20% of the bad cases", "AUC with 5% of the bad cases"),
    "product": ("distance of shares",),
    "research": (
        "conclusions of the logistic model that are found again",
        "correlations of the same sign",
        "segments: adjusted Rand index on held-out rows",
    ),
    "privacy": (
        "membership by nearest row, AUC",
        "membership by mean of the ranks, AUC",
        "worst membership attack, AUC",
    ),
}


def scenario_figure(found: dict[str, dict[str, Any]]) -> "Figure":
    """The chief figures of a scenario, a panel for each table."""
    from gans.report.arms import arm_points_grid

    scenario = next(iter(found.values()))["scenario"]
    panels = {
        name: {
            one["name"]: {
                arm: tuple(np.nan if end is None else end for end in value) for arm, value in one["values"].items()
            }
            for one in answer["measures"]
            if one["name"] in SHOWN[scenario]
        }
        for name, answer in found.items()
    }
    return arm_points_grid(panels)


if __name__ == "__main__":
    main_command(main.run)
