"""What is to be run, on which rows, for how many steps, and the file of the results."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gans.files import write_text

TABLES = ("adult", "credit_default", "shoppers", "churn")
FLAGSHIP, REFERENCE = "tabular", "reference"
VARIANTS = ("vanilla", "cgan", "wgan_gp", "ctgan", "ctabgan_plus", FLAGSHIP, REFERENCE)
FIGURES = ("shape_error", "trend_error", "xgb_c2st", "alpha_precision", "beta_recall", "dcr_share", "tstr", "trtr",
           "exact_copies", "exact_copies_test")  # fmt: skip
UNSEEN = "xgb_c2st_test"  # the same detector between test rows and synthetic ones
GAP = ("rows", "auc", "marginal", "dependency", "score", "overfit", "oracle", "independent")  # of the second program
GAP_COLUMNS = tuple(f"gap_{name}" for name in GAP)
PRIVACY = ("attack_auc", "isolated_auc", "isolated_low", "verdict")  # of the worst attack on a run of the flagship
KEY = ("data", "variant", "seed", "minutes", "overrides")
COLUMNS = (*KEY, "status", "steps", "seconds", "seconds_compile", "seconds_command", "rows", *FIGURES, UNSEEN,
           *GAP_COLUMNS, *PRIVACY, "cores", "commit", "date")  # fmt: skip
ATTACK_COLUMNS = (*KEY, "attacked", "attack", "rows", "auc", "low", "high", "tpr", "succeeds")
SPLIT_SEED, TEST_SHARE = 1234, 0.1
TIMED_BLOCK = 100
MARGIN = 0.95


@dataclass(frozen=True)
class Job:
    """One row of the results to be."""

    data: str
    variant: str
    seed: int
    minutes: int
    overrides: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two rows the same, as it lies in the results."""
        return self.data, self.variant, str(self.seed), str(self.minutes), self.overrides

    @property
    def folder(self) -> str:
        """Name of the run directory."""
        mark = f"-{hashlib.sha256(self.overrides.encode()).hexdigest()[:8]}" if self.overrides else ""
        return f"{self.data}-{self.variant}-{self.seed}-{self.minutes}m{mark}"


def plan(
    tables: list[str], variants: list[str], seeds: list[int] | None, minutes: list[int], overrides: str
) -> list[Job]:
    """Every job; the overrides are of gans.train, so the reference package has none."""
    return [
        Job(data, variant, seed, budget, "" if variant == REFERENCE else overrides)
        for data in tables
        for variant in variants
        for budget in minutes
        for seed in (seeds if seeds is not None else range(3 if variant == FLAGSHIP or data == "adult" else 1))
    ]


def pending(jobs: list[Job], rows: list[dict[str, str]]) -> list[Job]:
    """The jobs that have no row yet."""
    done = {tuple(row[name] for name in KEY) for row in rows}
    return [job for job in jobs if job.key not in done]


def split(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the training rows and of the test rows, in the order in which they were drawn.

    The judge's folds follow the order of the file, and shoppers is sorted by month: in that order folds would differ
    from each other, and its classifier would tell worse than by chance.
    """
    drawn = np.random.default_rng(SPLIT_SEED).permutation(rows)
    test = round(TEST_SHARE * rows)
    return drawn[test:], drawn[:test]


def steps_within(minutes: float, speed: dict[str, float], evaluate_every: int) -> int:
    """Steps that a training command can take, in fifties; `speed` holds seconds of a step, an evaluation, the rest."""
    left = 60 * minutes * MARGIN - speed["rest"]
    return max(50, int(left / (speed["step"] + speed["evaluation"] / evaluate_every)) // 50 * 50)


def read_speed(lines: list[dict[str, Any]], command: float) -> dict[str, float]:
    """The speed from four blocks of a timed run, scored after the second and the fourth.

    The first block compiles the step and the second the sampler, so the third and the fourth are the ones to time.
    """
    _, second, third, fourth = (line["seconds"] for line in lines)
    step = (third - second) / TIMED_BLOCK
    evaluation = max(0.0, fourth - third - TIMED_BLOCK * step)
    return {"step": step, "evaluation": evaluation, "rest": command - 4 * TIMED_BLOCK * step - evaluation}


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a results file; none where there is no file."""
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))) if path.exists() else []


def append(path: Path, row: dict[str, Any], columns: Sequence[str] = COLUMNS) -> None:
    """Add a row, so that the file is always whole."""
    _write(path, [*read_rows(path), row], columns)


def put_attacks(path: Path, job: Job, rows: Sequence[dict[str, Any]]) -> None:
    """The attacks on a run, in the place of earlier ones on it."""
    others = [row for row in read_rows(path) if tuple(row[name] for name in KEY) != job.key]
    _write(path, [*others, *(dict(zip(KEY, job.key, strict=True)) | row for row in rows)], ATTACK_COLUMNS)


def _write(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
