"""Do our figures agree with a neutral judge and with the packages that publish the metrics?

    python scripts/agreement.py train=FILE synthetic=FILE,FILE,... test=FILE name=adult judge=FILE.py
                                [sdmetrics=PYTHON] [target=income]

  judge      a program `judge.py TRAIN SYNTHETIC --test TEST --name NAME` whose last line is JSON
  sdmetrics  a Python interpreter that has sdmetrics 0.11 (it asks for an older numpy): shape and trend by its own
  metrics

Prints ours, theirs and the relative difference; 1 where one is above 1%.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import TEXT
from gans.config.compose import compose
from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.errors import UserError
from gans.evaluation.inputs import read_sides
from gans.evaluation.suite import evaluate

KEYS = ("train", "synthetic", "test", "name", "judge")
OURS = {
    "shape_error": "shape_error", "trend_error": "trend_error", "xgb_c2st": "xgb_c2st", "tstr": "tstr", "trtr": "trtr",
    "alpha_precision": "alpha_precision", "beta_recall": "beta_recall", "dcr_share": "dcr_share",
    "exact_copies": "exact_copies",
}  # fmt: skip
MOST = 0.01
PACKAGE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
from sdmetrics.single_column import KSComplement, TVComplement
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
real, made = (pd.read_parquet(path) for path in sys.argv[1:3])
numeric, names = json.loads(sys.argv[3]), list(real.columns)
edges = {n: np.histogram_bin_edges(real[n]) for n in numeric}
shape = [(KSComplement if n in numeric else TVComplement).compute(real[n], made[n]) for n in names]
def cut(frame, name):
    return np.digitize(frame[name], edges[name]) if name in numeric else frame[name]
trend = []
for i, a in enumerate(names):
    for b in names[i + 1:]:
        if a in numeric and b in numeric:
            trend.append(CorrelationSimilarity.compute(real[[a, b]], made[[a, b]]))
        else:
            sides = [pd.DataFrame({a: cut(f, a), b: cut(f, b)}) for f in (real, made)]
            trend.append(ContingencySimilarity.compute(*sides))
print(json.dumps([100 * (1 - float(np.mean(shape))), 100 * (1 - float(np.mean(trend)))]))
"""


def call(command: list[str]) -> str:
    """The last line that a command prints.

    Raises:
        UserError: it failed.
    """
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{command[0]} {command[1][:40]}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip().splitlines()[-1]


@takes(*(Key(key, TEXT, required=True) for key in KEYS), Key("sdmetrics", TEXT), Key("target", TEXT), text=__doc__)
def main(sdmetrics: str | None, target: str | None, **given: str) -> int:
    """Judge each table thrice, print."""
    source = compose([f"data={given['name']}"]).data
    real, test = (normalise(read_table(given[key], key)) for key in ("train", "test"))
    schema, worst = detect(real, source.fixed_kinds(), source.drop), 0.0
    for path in given["synthetic"].split(","):
        tables = read_sides(
            schema, real, read_table(path, "synthetic"), test, source.target if target is None else target
        )
        ours = evaluate(tables).scores
        judge = [sys.executable, given["judge"], given["train"], path, "--test", given["test"], "--name", given["name"]]
        theirs = {("judge", name): value for name, value in json.loads(call(judge)).items() if name in OURS}
        if sdmetrics is not None:
            theirs |= package(tables.sides, sdmetrics)
        print(path)
        for (who, name), value in theirs.items():
            found = ours[OURS[name]].value
            apart = abs(found - value) / max(abs(value), 1e-12) if found != value else 0.0
            apart = 0.0 if abs(found - value) <= 5e-5 else apart  # they print four decimals
            worst = max(worst, apart)
            print(f"  {name:16} ours {found:9.4f}   {who:14} {value:9.4f}   {100 * apart:6.2f}%")
    print(f"largest relative difference: {100 * worst:.2f}%")
    return int(worst > MOST)


def package(sides: dict, interpreter: str) -> dict[tuple[str, str], float]:
    """Shape and trend errors by the metrics of sdmetrics, on the same columns."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.parquet" for name in ("real", "synthetic")]
        for path, name in zip(paths, ("real", "synthetic"), strict=True):
            frame = sides[name].frame().set_axis(list(sides[name].columns), axis=1)
            for column in sides[name].levels:
                frame[column] = frame[column].astype(str)
            frame.to_parquet(path)
        numeric = json.dumps(sides["real"].numeric)
        shape, trend = json.loads(call([interpreter, "-c", PACKAGE, *map(str, paths), numeric]))
    return {("sdmetrics", "shape_error"): shape, ("sdmetrics", "trend_error"): trend}


if __name__ == "__main__":
    main_command(main.run)
