"""The folder of a sweep: job-N.json of each job, written when it begins and when it ends, and sweep.csv at the end."""

import csv
import dataclasses
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gans.artefacts import of_fields, read_json, reading
from gans.config.names import shell_quoted
from gans.config.spelling import split_override
from gans.errors import DIVERGED, DONE, INTERRUPTED, USER_MISTAKE, UserError
from gans.files import write_text
from gans.training.loop import PRUNED

WORST = 0.0
SWEEPS = Path("runs") / "sweeps"
CRASHED, RUNNING = "crashed", "running"
STATUS = {DONE: "completed", USER_MISTAKE: "refused", DIVERGED: "diverged", INTERRUPTED: "interrupted"}


@dataclass
class Job:
    """A job of a sweep.

    Attributes:
        overrides: what it was given, KEY=VALUE.
        status: running, completed, pruned, diverged, refused (a mistake of the user's), interrupted or crashed.
        score: what a sweeper optimises; the worst where there is none.
        seconds: that it took.
        run_dir: where it lies.
        error: why it failed.
    """

    number: int
    overrides: list[str]
    status: str = RUNNING
    score: float = WORST
    seconds: float = 0.0
    run_dir: str = ""
    error: str = ""

    def write(self, folder: Path) -> None:
        """Write job-N.json, atomically."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / f"job-{self.number}.json", json.dumps(dataclasses.asdict(self), indent=1) + "\n")

    @property
    def values(self) -> dict[str, str]:
        """What it was given, by key."""
        return dict(split_override(override) for override in self.overrides)


def recorded(job: Job, folder: Path, call: Callable[[Job], tuple[str, float]]) -> Job:
    """Do a job, with its record written before and after; what it raises, but Ctrl-C, is recorded and goes no further.

    Args:
        call: does it; status and score.
    """
    import logging
    import traceback

    log = logging.getLogger("gans")
    job.write(folder)
    began = time.monotonic()
    try:
        job.status, job.score = call(job)
    except UserError as error:
        job.status, job.error = STATUS[USER_MISTAKE], str(error)
        log.error("job %s: error: %s", job.number, error)
    except KeyboardInterrupt:
        job.status = STATUS[INTERRUPTED]
        raise
    except Exception as error:
        job.status, job.error = CRASHED, repr(error)
        log.error("job %s crashed:\n%s", job.number, traceback.format_exc())
    finally:
        job.seconds = round(time.monotonic() - began, 2)
        job.write(folder)
    return job


def read_jobs(folder: Path) -> list[Job]:
    """The jobs of a sweep by number; one that began and has no end has crashed."""
    out = []
    for path in folder.glob("job-*.json"):
        with reading(path, "a readable job"):
            out.append(of_fields(Job, read_json(path, "a readable job")))
    return sorted(out, key=lambda job: job.number)


def finish(folder: Path, direction: int = 1) -> list[Job]:
    """Write sweep.csv, print the table of a sweep, best first; its jobs.

    Args:
        direction: -1 where a smaller score is better.
    """
    jobs = read_jobs(folder)
    for job in jobs:
        if job.status == RUNNING:
            job.status, job.error = CRASHED, "its process ended"
            job.write(folder)
    if not jobs:
        return jobs
    varied = _varied(jobs)
    write_text(folder / "sweep.csv", _csv([_row(job, varied) for job in jobs]))
    good = {STATUS[DONE], PRUNED}
    order = sorted(jobs, key=lambda job: (job.status not in good, job.status == PRUNED, -direction * job.score))
    print(_shown([_row(job, varied) for job in order]))
    failed = [job for job in jobs if job.status not in good]
    print(f"{len(jobs)} jobs, {len(failed)} of them without a result; {folder}/sweep.csv")
    if any(job.run_dir for job in jobs):
        print(f"gans compare {shell_quoted(f'runs={folder}')} by={varied[0] if len(varied) == 1 else 'KEY'}")
    return jobs


def _varied(jobs: list[Job]) -> list[str]:
    """The keys that jobs were given and that differ between them; all of them where none does."""
    keys = list(dict.fromkeys(key for job in jobs for key in job.values))
    return [key for key in keys if len({job.values.get(key) for job in jobs}) > 1] or keys


def _csv(rows: list[dict[str, Any]]) -> str:
    """Rows as the text of a CSV file, with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(job: Job, keys: list[str]) -> dict[str, Any]:
    values: Mapping[str, str] = job.values
    return {
        "job": job.number,
        **{key: values.get(key, "") for key in keys},
        "status": job.status,
        "score": f"{job.score:.4f}" if job.status in (STATUS[DONE], PRUNED) else "",
        "seconds": f"{job.seconds:.1f}",
        "run_dir": job.run_dir,
        "error": job.error,
    }


def _shown(rows: list[dict[str, Any]]) -> str:
    """Rows as lines of columns."""
    names = [name for name in rows[0] if any(str(row[name]) for row in rows)]
    cells = [names, *[[" ".join(str(row[name]).split())[:60] for name in names] for row in rows]]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )
