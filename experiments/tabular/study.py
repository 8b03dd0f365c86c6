"""GAN variants on four tables, judged by two programs that know nothing of this package.

    python experiments/tabular/study.py data.root=FOLDER judge=FILE.py gap=FILE.py [KEY=VALUE ...]
        [KEY=VALUE of gans.train ...]

  data.root     folder with adult, adult_test, credit_default, shoppers and churn as Parquet files
  gap           gap.py, which judges by test rows; it needs pandas, scikit-learn and xgboost (or xgboost-cpu) here
  judge         judge.py, which judges mostly by training rows; it needs the same
  ctgan_python  python of an environment with ctgan 0.12.1; without it the reference package is left out
  minutes=10    time of the reference's fit; a run takes the steps of its experiment
  data, only    tables and variants, as in data=adult,churn only=tabular,reference
  seeds         as in seeds=0,1; else 0,1,2 for tabular and for every variant on Adult, 0 elsewhere
  curve         minutes of a command as in curve=1,2,5: quality against time instead, of tabular on Adult, into
                curve.csv; its steps are chosen from a short timed run
  runs          folder for run directories (experiments/tabular/runs)
  results       folder for results.csv, curve.csv, TABLE.md and the figures (experiments/tabular)

What is done already is skipped; what was interrupted goes on.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import table
from jobs import (
    FIGURES,
    FLAGSHIP,
    GAP,
    GAP_COLUMNS,
    KEY,
    PRIVACY,
    REFERENCE,
    TABLES,
    TIMED_BLOCK,
    UNSEEN,
    VARIANTS,
    Job,
    append,
    pending,
    plan,
    put_attacks,
    read_rows,
    read_speed,
    split,
    steps_within,
)

from gans.cli.command import main_command
from gans.cli.keys import Key, said, takes
from gans.cli.kinds import FILE, FOLDER, NAMES, WHOLE
from gans.config.compose import compose
from gans.config.names import read_number
from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.errors import INTERRUPTED, UserError, in_range, one_of
from gans.evaluation.membership_strength import Strength
from gans.files import write_table, write_text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEYS = [
    Key("data.root", FOLDER, required=True),
    Key("judge", FILE, required=True),
    Key("gap", FILE, required=True),
    Key("ctgan_python", FILE),
    Key("minutes", WHOLE, default=10),
    *(Key(key, NAMES) for key in ("data", "only", "seeds", "curve")),
    Key("runs", FOLDER),
    Key("results", FOLDER),
]
UNREFINED = "refine=none"
SET_HERE = ("seed", "run_dir", "samples", "trainer.resume")


def call(command: list[str]) -> str:
    """Run a command to its end and give what it printed; an interruption is passed on and waited for.

    Raises:
        UserError: it failed. A run that diverged has not: it has results.
        KeyboardInterrupt: it was interrupted.
    """
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out = child.communicate()[0]
    except KeyboardInterrupt:
        child.send_signal(signal.SIGTERM)
        child.communicate()
        raise
    if child.returncode == INTERRUPTED:
        raise KeyboardInterrupt
    if child.returncode not in (0, 3):
        raise UserError(f"exit status {child.returncode} of: {' '.join(command)}")
    return out


@dataclass
class Study:
    """Where things are.

    Attributes:
        timed: whether the steps of a run follow from its minutes; else they are those of its experiment.
    """

    root: Path
    judge: Path
    gap: Path
    runs: Path
    ctgan_python: str | None
    timed: bool = False

    def files(self, data: str) -> tuple[Path, Path]:
        """The training file under its published name, and the test file."""
        return self.runs / "tables" / f"{data}.parquet", self.runs / "tables" / f"{data}_test.parquet"

    def prepare(self, data: str) -> int:
        """Write the two files of a table; the number of training rows."""
        train, test = self.files(data)
        train.parent.mkdir(parents=True, exist_ok=True)
        whole = read_table(str(self.root / f"{data}.parquet"), "data.root")
        if data == "adult":
            parts = whole, read_table(str(self.root / "adult_test.parquet"), "data.root")
        else:
            parts = tuple(whole.take(pa.array(places)) for places in split(whole.num_rows))
        for path, part in zip((train, test), parts, strict=True):
            write_table(path, part)
        return parts[0].num_rows

    def arguments(self, job: Job) -> list[str]:
        """Of gans.train, for a job, without its length and folder."""
        return [
            *(f"+experiment={job.variant}", f"data={job.data}", f"data.root={self.files(job.data)[0].parent}"),
            *(f"seed={job.seed}", "tracker.mode=disabled", *job.overrides.split()),
        ]

    def steps(self, job: Job, rows: int) -> int:
        """The steps of a job, from the speed that is measured once for a table, a variant and its overrides."""
        known, name = self.runs / "speed.json", f"{job.data} {job.variant} {job.overrides}".strip()
        speeds = json.loads(known.read_text()) if known.exists() else {}
        if name not in speeds:
            folder, block = self.runs / "timed", TIMED_BLOCK
            shutil.rmtree(folder, ignore_errors=True)
            rhythm = [f"trainer.steps={4 * block}", f"trainer.block={block}", f"trainer.evaluate_every={2 * block}"]
            seconds = self.train(job, folder, [*rhythm, f"samples={rows}"])
            lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
            speeds[name] = read_speed(lines, seconds)
            write_text(known, json.dumps(speeds, indent=1) + "\n")
            shutil.rmtree(folder)
        return steps_within(job.minutes, speeds[name], compose(self.arguments(job)).trainer.evaluate_every)

    def train(self, job: Job, folder: Path, more: list[str]) -> float:
        """Run gans.train; its seconds."""
        began = time.monotonic()
        call([sys.executable, "-m", "gans.train", *self.arguments(job), f"run_dir={folder}", *more])
        return time.monotonic() - began

    def train_or_resume(self, job: Job, folder: Path, rows: int) -> float | None:
        """Bring a run to its end; the seconds of the command where it ran in one go."""
        refined = self.folder(replace(job, overrides=""))
        if job.overrides == UNREFINED and _finished(refined) and not _finished(folder):
            self.unrefine(job, refined, folder, rows)
        status = json.loads((folder / "summary.json").read_text())["status"] if _finished(folder) else None
        if status not in (None, "interrupted"):
            return None
        resume = (folder / "config.yaml").exists()
        if not resume:
            shutil.rmtree(folder, ignore_errors=True)
        more = [f"samples={rows}", f"trainer.resume={str(resume).lower()}"]
        if self.timed and "trainer.steps=" not in job.overrides:
            more.append(f"trainer.steps={self.steps(job, rows)}")
        seconds = self.train(job, folder, more)
        return None if resume else seconds

    def unrefine(self, job: Job, refined: Path, folder: Path, rows: int) -> None:
        """Take the rows of a run as they are before refinement, which comes after training."""
        folder.mkdir(parents=True, exist_ok=True)
        given = [f"run={refined}", f"n={rows}", f"seed={job.seed}", "refine=false", f"out={folder / 'samples.parquet'}"]
        call([sys.executable, "-m", "gans.sample", *given])
        write_text(folder / "summary.json", (refined / "summary.json").read_text())

    def fit_reference(self, job: Job, folder: Path) -> None:
        """Fit the reference package in its own environment, with the categories that our runs find."""
        if _finished(folder):
            return
        folder.mkdir(parents=True, exist_ok=True)
        source = compose([f"data={job.data}", f"data.root={self.files(job.data)[0].parent}"]).data
        schema = detect(normalise(source.read()), source.fixed_kinds(), source.drop)
        discrete = [column.name for column in schema.features if column.kind in ("category", "boolean")]
        call([
            *(str(self.ctgan_python), str(HERE / "reference.py"), f"train={self.files(job.data)[0]}", f"out={folder}"),
            *(f"seed={job.seed}", f"seconds={60 * job.minutes}", f"discrete={json.dumps(discrete)}"),
        ])  # fmt: skip

    def ask(self, judge: Path, *arguments: Path | str) -> dict[str, Any]:
        """What a judge says: the JSON on the last line that it prints."""
        return json.loads(call([sys.executable, str(judge), *map(str, arguments)]).splitlines()[-1])

    def folder(self, job: Job) -> Path:
        """The run directory of a job."""
        return self.runs / ("curve" if self.timed else "") / job.folder

    def attack(self, job: Job) -> dict[str, Any]:
        """Attack a run with its test rows, once; what the worst attack finds, and the verdict up to its colon."""
        folder, test = self.folder(job), self.files(job.data)[1]
        if not (folder / "evaluation.json").exists():
            call([sys.executable, "-m", "gans.evaluate", f"run={folder}", f"test={test}"])
        if not (folder / "use_privacy.json").exists():
            call([sys.executable, "-m", "gans.use", "scenario=privacy", f"run={folder}", f"test={test}"])
        scores = json.loads((folder / "evaluation.json").read_text())["scores"]
        worst, isolated = scores["membership_worst_auc"], scores.get("membership_isolated_auc", {})
        verdict = json.loads((folder / "use_privacy.json").read_text())["answer"][0]["text"].partition(":")[0]
        return dict(
            zip(PRIVACY, (worst["value"], isolated.get("value", ""), isolated.get("low", ""), verdict), strict=True)
        )

    def attacks(self, job: Job) -> list[dict[str, Any]]:
        """Every attack on an evaluated run and on both controls; all rows and the isolated ones."""
        panels = json.loads((self.folder(job) / "evaluation.json").read_text())["details"]["membership"]
        return [
            dict(zip(("attacked", "attack", "rows"), (table, name, rows), strict=True))
            | dict(zip(("auc", "low", "high"), (one["auc"][0], *one["auc_corrected"]), strict=True))
            | {"tpr": one["tpr"][0], "succeeds": int(Strength(**one).succeeds)}
            for table, panel in panels.items()
            for name, groups in panel.items()
            for rows, one in groups.items()
        ]

    def row(self, job: Job) -> dict[str, Any]:
        """Train, judge, attack the flagship, and give the row."""
        rows, folder = self.prepare(job.data), self.folder(job)
        seconds = (
            self.fit_reference(job, folder) if job.variant == REFERENCE else self.train_or_resume(job, folder, rows)
        )
        summary = json.loads((folder / "summary.json").read_text())
        train, test = self.files(job.data)
        judged: dict[str, Any] = {}
        if (samples := folder / "samples.parquet").exists():
            judged = self.ask(self.judge, train, samples, "--test", test, "--name", job.data)
            judged[UNSEEN] = self.ask(self.judge, test, samples, "--name", job.data)["xgb_c2st"]
            gap = self.ask(self.gap, train, samples, test, "--name", job.data, "--anchors")
            judged |= {f"gap_{name}": gap[name] for name in GAP}
            if job.variant == FLAGSHIP and (folder / "config.yaml").exists():
                judged |= self.attack(job)
        return dict(zip(KEY, job.key, strict=True)) | {
            "status": summary["status"],
            "steps": summary["steps"],
            "seconds": summary["seconds"],
            "seconds_compile": summary["compile_seconds"],
            "seconds_command": "" if seconds is None else round(seconds, 2),
            "rows": judged.get("rows", ["", ""])[1],
            **{name: judged.get(name, "") for name in (*FIGURES, UNSEEN, *GAP_COLUMNS, *PRIVACY)},
            "cores": len(os.sched_getaffinity(0)),
            "commit": summary["commit"],
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def _finished(folder: Path) -> bool:
    return (folder / "summary.json").exists()


def _listed(given: dict[str, Any], key: str, default: list[str], allowed: tuple[str, ...]) -> list[str]:
    names = given.get(key, default)
    for name in names:
        one_of(key, name, allowed)
    return names


def _numbers(given: dict[str, Any], key: str, low: int) -> list[int] | None:
    if key not in given:
        return None
    numbers: list[int] = [read_number(key, text, int) for text in given[key]]
    for number in numbers:
        in_range(key, number, low)
    return numbers


def read_arguments(given: dict[str, Any], overrides: list[str]) -> tuple[Study, list[Job], Path, int]:
    """The study, its jobs, the file for their rows, and the minutes that the table shows.

    Raises:
        UserError: a key, a value or a file is wrong.
    """
    for override in overrides:
        if override.partition("=")[0] in SET_HERE:
            raise UserError(f"{override}: the study sets this key itself.")
        if " " in override:
            raise UserError(f"{override}: an override of gans.train cannot hold a space here.")
    for key in ("data.root", "judge", "gap"):
        if not Path(given[key]).exists():
            raise UserError(f"{key}={given[key]}: it is not there.")
    if importlib.util.find_spec("xgboost") is None:
        raise UserError("the judges need xgboost: pip install xgboost.")
    curve, python = _numbers(given, "curve", 1), given.get("ctgan_python")
    tables = _listed(given, "data", ["adult"] if curve else list(TABLES), TABLES)
    chosen = [FLAGSHIP] if curve else [name for name in VARIANTS if python or name != REFERENCE]
    variants = _listed(given, "only", chosen, VARIANTS)
    if REFERENCE in variants and python is None:
        raise UserError("only=reference: ctgan_python is not set.")
    in_range("minutes", given.setdefault("minutes", 10), 1)
    seeds = _numbers(given, "seeds", 0) or ([0] if curve else None)
    runs, results = Path(given.get("runs", HERE / "runs")).resolve(), Path(given.get("results", HERE)).resolve()
    python = python and str(Path(python).absolute())  # not resolved: a link leads out of a virtual environment
    root, judge, gap = (Path(given[key]).resolve() for key in ("data.root", "judge", "gap"))
    study = Study(root, judge, gap, runs, python, bool(curve))
    for variant in variants:
        if variant != REFERENCE:
            compose([f"+experiment={variant}", *overrides])
    jobs = plan(tables, variants, seeds, curve or [given["minutes"]], " ".join(overrides))
    return study, jobs, results / ("curve.csv" if curve else "results.csv"), given["minutes"]


@takes(*KEYS, others="as in gans train", text=__doc__)
def main(others: list[str], **_: Any) -> int:
    """Run what is not done yet, one after the other, and draw the table."""
    study, jobs, results, minutes = read_arguments(said(), others)
    results.parent.mkdir(parents=True, exist_ok=True)
    left = pending(jobs, read_rows(results))
    print(f"{len(jobs)} runs, {len(left)} to do; results go to {results}", flush=True)
    for job in left:
        row = study.row(job)
        if row["verdict"]:
            put_attacks(results.parent / "attacks.csv", job, study.attacks(job))
        append(results, row)
        names = ("steps", "seconds", "gap_score", "gap_overfit", "shape_error")
        shown = ", ".join(f"{name} {row[name]}" for name in names)
        print(f"{job.folder}: {row['status']}, {shown}", flush=True)
    table.render(results.parent, minutes)
    return 0


if __name__ == "__main__":
    main_command(main.run)
