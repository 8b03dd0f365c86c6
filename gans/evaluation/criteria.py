"""Singling out and linkability, two of the three criteria of anonymisation, with test rows as the control.

The attacks of Giomi et al. 2023 (anonymeter, arXiv:2211.10459, sections 4.2 and 4.3), estimated here where the package
is not at hand; the third criterion, inference, is `attribute_inference` in attacks.py. Ours differ: every predicate has
five columns at most and there is one try at each, and columns are parted into every other one. Both say how much
better training rows are hit than rows that were not trained on: (members - non-members) / (1 - non-members).
"""

import numpy as np

from gans.evaluation.attacks import WITH_TEST
from gans.evaluation.embedding import points
from gans.evaluation.inputs import Side, Tables
from gans.evaluation.intervals import corrected, difference
from gans.evaluation.membership import Split
from gans.evaluation.metrics import NEAR, Estimate, Meaning, metric
from gans.evaluation.neighbours import nearest_euclidean

PREDICATES, CANDIDATES, BLOCK = 2_000, 10_000, 100
COLUMNS = 5  # of a predicate
TARGETS = 2_000  # rows that are linked, of each kind


def beyond(members: np.ndarray, others: np.ndarray, tests: int) -> Estimate:
    """The risk beyond that to non-members, of hits of both [guesses], with its interval, corrected for the tests."""
    control = float(others.mean())
    ends = difference((members.sum(), others.sum()), (len(members), len(others)), corrected(tests))
    risk, low, high = (float(end / max(1 - control, 1e-9)) for end in (members.mean() - control, *ends))
    return Estimate(risk, low, high)


def singling_out(synthetic: Side, members: Side, others: Side, tests: int = 2) -> Estimate | None:
    """How often a predicate that fits one synthetic row fits exactly one training row, beyond that of other rows.

    A predicate takes the values of a synthetic row in five random columns: equal to a level, and at least a number
    that is above its median, at most one that is not. None where no predicate fits a single synthetic row.
    """
    names, rng = list(synthetic.columns), np.random.default_rng(0)
    rows = rng.integers(0, synthetic.rows, CANDIDATES)
    chosen = rng.random((CANDIDATES, len(names))).argsort(axis=1).argsort(axis=1) < COLUMNS
    hits = [np.zeros(CANDIDATES, np.int64) for _ in range(3)]
    for start in range(0, CANDIDATES, BLOCK):
        block = slice(start, start + BLOCK)
        for count, side in zip(hits, (synthetic, members, others), strict=True):
            fits = np.ones((len(rows[block]), side.rows), bool)
            for place, name in enumerate(names):
                asked = np.flatnonzero(chosen[block, place])
                goal = synthetic.columns[name][rows[block][asked]][:, None]
                values = side.columns[name][None]
                if name in synthetic.levels:
                    fits[asked] &= values == goal
                else:
                    above = goal > np.median(synthetic.columns[name])
                    fits[asked] &= np.where(above, values >= goal, values <= goal)
            count[block] = fits.sum(axis=1)
    single = np.flatnonzero(hits[0] == 1)[:PREDICATES]
    return beyond(hits[1][single] == 1, hits[2][single] == 1, tests) if len(single) else None


def linkability(synthetic: Side, members: Side, others: Side, scale: Side, tests: int = 2) -> Estimate:
    """How often both halves of a training row's columns have the same nearest synthetic row, beyond that of other rows.

    An attacker who holds the halves in two tables would link them by it. The halves are every other column.
    """
    names, hits = list(scale.columns), []
    for side in (members, others):
        nearest = []
        for half in (names[::2], names[1::2]):
            made, asked = (points(_only(table, half), _only(scale, half)).matrix() for table in (synthetic, side))
            nearest.append(nearest_euclidean(asked, made)[1][:, 0])
        hits.append(nearest[0] == nearest[1])
    return beyond(hits[0], hits[1], tests)


def _only(side: Side, names: list[str]) -> Side:
    return Side({name: side.columns[name] for name in names}, {n: v for n, v in side.levels.items() if n in names})


@metric(
    "criteria",
    {
        "predicate_singling_out": Meaning("singling out by predicates, risk", NEAR, 0.0, sentence=False),
        "halves_linkability": Meaning("linkability of halves of the columns, risk", NEAR, 0.0, sentence=False),
    },
    **WITH_TEST,
)
def criteria(tables: Tables, rows: int | None) -> dict[str, Estimate]:
    """Singling out and linkability, beyond rows that were not trained on; corrected for the number of tests."""
    split, synthetic = Split.draw(tables, rows), tables.drawn("synthetic", rows, 2)
    few = min(split.members.rows, split.others.rows)
    members, others = (side.take(np.arange(few)) for side in (split.members, split.others))
    tests, some = tables.criteria_tests, synthetic.take(np.arange(min(few, synthetic.rows)))
    out, single = {}, singling_out(some, members, others, tests)
    if single is not None:
        out["predicate_singling_out"] = single._replace(rows=members.rows + others.rows)
    if len(members.columns) > 1:
        few = np.arange(min(few, TARGETS))
        linked = linkability(synthetic, members.take(few), others.take(few), split.scale, tests)
        out["halves_linkability"] = linked._replace(rows=2 * len(few))
    return out
