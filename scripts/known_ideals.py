"""Every metric of an evaluation at its known ideal, and the three faults that must be seen.

    python scripts/known_ideals.py real=FILE test=FILE target=COLUMN [seed=0] [splits=3]

Real rows are cut into random halves, one in the place of the training and one in that of the synthetic rows, `splits`
times: the list gives the expected value and what was found, mean and range over the splits. Then, in the place of the
synthetic rows: a table of independent columns, a copy of the training rows, and the other half with shuffled labels.
"""

import numpy as np
import pyarrow as pa

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import TEXT, WHOLE
from gans.data.detection import detect, normalise
from gans.data.files import read_table
from gans.evaluation.inputs import read_sides
from gans.evaluation.metrics import meaning
from gans.evaluation.results import Evaluation, score_rows
from gans.evaluation.suite import evaluate
from gans.findings.evaluation import findings

KEYS = [Key(key, TEXT, required=True) for key in ("real", "test", "target")]


def shuffled(table: pa.Table, names: list[str], rng: np.random.Generator) -> pa.Table:
    """The table with each of these columns in an order of its own."""
    for name in names:
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].take(pa.array(rng.permutation(table.num_rows))))
    return table


def expected(name: str, found: list[Evaluation]) -> float | None:
    """The ideal, or what held-out rows have; None for a figure of real rows, which is what others are held against."""
    ideal = meaning(name).ideal
    if ideal is not None:
        return ideal
    reals = [real for one in found if (real := one.scores[name].real) is not None]
    return float(np.mean(reals)) if reals else None


@takes(*KEYS, Key("seed", WHOLE, default=0), Key("splits", WHOLE, default=3), text=__doc__)
def main(target: str, seed: int, splits: int, **files: str) -> int:
    """Judge, print the list; 1 where a fault goes unseen."""
    real, test = (normalise(read_table(files[key], key)) for key in ("real", "test"))
    halves, rng = real.num_rows // 2, np.random.default_rng(seed)

    def judge(training: pa.Table, synthetic: pa.Table) -> Evaluation:
        tables = read_sides(detect(training), training, synthetic, test, target, [target])
        return evaluate(tables)

    found, first, second = [], real, real
    for _ in range(splits):
        order = rng.permutation(real.num_rows)
        first, second = real.take(order[:halves]), real.take(order[halves : 2 * halves])
        found.append(judge(first, second))
    print(f"{'half against half':52} {'expected':>10} {'found':>10}   range of {splits} splits")
    for name, _ in score_rows(found[0]):
        values, ideal = [one.scores[name].value for one in found], expected(name, found)
        shown = "" if ideal is None else f"{ideal:.4f}"
        print(f"{meaning(name).title:52} {shown:>10} {np.mean(values):10.4f}   {min(values):.4f} to {max(values):.4f}")

    independent = judge(first, shuffled(second, second.column_names, rng))
    copied = judge(first, first)
    mislabelled = judge(first, shuffled(second, [target], rng))
    seen = {
        "independent columns: shape as of real rows": independent.scores["shape_error"].value
        < 1.5 * (independent.scores["shape_error"].real or 0),
        "independent columns: detected (score below .1)": independent.scores["xgb_c2st"].value < 0.1,
        "a copy: every row an exact copy": copied.scores["exact_copies"].value == 1,
        "a copy: membership by the nearest row, AUC above .9": copied.scores["membership_nearest_auc"].value > 0.9,
        "a copy: said to be not private": any(s.text.startswith("NOT PRIVATE") for s in findings(copied)),
        "shuffled labels: no use (AUC within .05 of .5)": abs(mislabelled.scores["tstr"].value - 0.5) < 0.05,
        "shuffled labels: said to be of no use": any(s.text.startswith("NOT USEFUL") for s in findings(mislabelled)),
    }
    for title, one in (("independent columns", independent), ("a copy", copied), ("shuffled labels", mislabelled)):
        print(f"\n{title}")
        for name in ("shape_error", "xgb_c2st", "tstr", "trtr", "exact_copies", "dcr_share", "membership_nearest_auc",
                     "membership_density_auc", f"attribute/{given['target']}"):  # fmt: skip
            print(f"  {meaning(name).title:50} {one.scores[name].value:8.4f}")
        for sentence in findings(one):
            if sentence.tone == "bad":
                print(f"  {sentence.text}")
    print()
    for text, right in seen.items():
        print(f"{text}: {'yes' if right else 'NO'}")
    return int(not all(seen.values()))


if __name__ == "__main__":
    main_command(main.run)
