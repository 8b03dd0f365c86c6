"""Was a row trained on? Eight attacks on one split of the rows, and two tables beside it for which the answer is known.

Members are training rows, non-members one half of the test rows, the reference the other half, which the attacker
holds. As many members are drawn as there are non-members. No attack dominates, and the mean of their ranks loses least
(Ward et al. 2025, arXiv:2509.05350); the split is that of Synth-MIA (arXiv:2509.18014). Stronger attacks exist: with
shadow models, or with the generator itself.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gans.evaluation import membership_densities as densities
from gans.evaluation import membership_neighbours as neighbours
from gans.evaluation.attacks import WITH_TEST
from gans.evaluation.embedding import points
from gans.evaluation.inputs import Side, Tables, joined
from gans.evaluation.membership_learners import boosted_ratio, forest
from gans.evaluation.membership_strength import Strength, strength
from gans.evaluation.metrics import LEAST_TEST, NEAR, Computed, Estimate, Meaning, metric
from gans.evaluation.neighbours import nearest_euclidean
from gans.words import mark, say

ATTACKS = {
    "nearest": mark("nearest row"),
    "difference": mark("difference of nearest distances"),
    "plagiarism": mark("share of synthetic neighbours (DPI)"),
    "kernel": mark("density ratio of kernels (DOMIAS)"),
    "density": mark("density ratio of boosted trees (DOMIAS)"),
    "likelihood": mark("change of local likelihood (Gen-LRA)"),
    "forest": mark("extremely randomised trees (LOGAN)"),
    "ranks": mark("mean of the ranks"),
}
ISOLATED = 0.01
LEAST_ISOLATED = 20  # rows of both sides
FEW_ISOLATED = 50  # below which a note says that intervals are wide
LEAST_COMPARED = 5  # isolated rows of either side
NEIGHBOUR = 5  # the reference row whose distance says how isolated a row is
COPIED = 0.05
TESTS = 3 * len(ATTACKS)  # of each attack: the area, the share at 1% false alarms, the area of isolated rows
SYNTHETIC, INDEPENDENT, COPIES = "synthetic", "independent columns", "5 % copies"  # names in evaluation.json


@dataclass(frozen=True)
class Split:
    """Rows of one table in three parts, and training rows that are no members.

    Attributes:
        members: training rows that the attacks should find.
        others: as many real rows that were not trained on, the non-members, or fewer.
        reference: real rows that were not trained on and that the attacker holds.
        spare: further training rows, or the reference where there are too few.
        scale: the rows whose range scales numbers.
    """

    members: Side
    others: Side
    reference: Side
    spare: Side
    scale: Side

    @classmethod
    def draw(cls, tables: Tables, rows: int | None) -> "Split":
        """The split of the tables of an evaluation, by a fixed seed; at most so many rows of each part."""
        real, test = tables.capped["real"], tables.capped["test"]
        order = np.random.default_rng(2).permutation(test.rows)
        half = min(test.rows // 2, rows or test.rows)
        reference, others = test.take(order[:half]), test.take(order[half : 2 * half])
        order = np.random.default_rng(3).permutation(real.rows)
        members = real.take(order[:half])
        spare = real.take(order[half:])
        return cls(members, others, reference, spare if spare.rows >= LEAST_TEST else reference, real)

    def independent(self, rows: int) -> Side:
        """The negative control: so many rows whose columns are drawn by themselves, from rows that are no members."""
        rng = np.random.default_rng(4)
        drawn = {name: values[rng.integers(0, len(values), rows)] for name, values in self.spare.columns.items()}
        return Side(drawn, self.spare.levels)

    def copies(self, rows: int) -> Side:
        """The positive control: real rows that are no members, a twentieth of them replaced by training rows.

        What a perfect generator would give that now and then repeats a row of its table.
        """
        rng = np.random.default_rng(5)
        copied = min(round(COPIED * rows), self.scale.rows)
        base = self.spare.take(rng.integers(0, self.spare.rows, rows - copied))
        training = joined(self.members, self.spare) if self.spare is not self.reference else self.members
        return joined(base, training.take(rng.permutation(training.rows)[:copied]))


class Attacker:
    """Someone who holds the reference rows; what needs no synthetic rows is computed once."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.asked = joined(split.members, split.others)
        self._asked, self._reference = (points(side, split.scale) for side in (self.asked, split.reference))

    @cached_property
    def to_reference(self) -> np.ndarray:
        """Distances to the nearest reference rows [rows, k]."""
        k = min(neighbours.NEIGHBOURS, self.split.reference.rows)
        return nearest_euclidean(self._asked.matrix(), self._reference.matrix(), k)[0]

    @cached_property
    def isolated(self) -> np.ndarray:
        """Whether a row is among the hundredth farthest from its fifth nearest reference row [rows]; ties at random.

        Members and non-members are measured alike, and neither of them is in the reference.
        """
        far = self.to_reference[:, min(NEIGHBOUR, self.to_reference.shape[1]) - 1]
        order = np.lexsort((np.random.default_rng(6).random(len(far)), -far))
        out = np.zeros(len(far), bool)
        out[order[: max(round(ISOLATED * len(far)), LEAST_ISOLATED)]] = True
        return out

    @cached_property
    def _embedding(self) -> densities.Embedding:
        return densities.Embedding(self._reference)

    @cached_property
    def _embedded(self) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
        """Asked and reference rows, embedded, the width of the kernel, and the reference's log density at the asked."""
        asked, reference = self._embedding(self._asked), self._embedding(self._reference)
        width = densities.bandwidth(*reference.shape)
        return asked, reference, width, densities.log_kernel_density(asked, reference, width)

    def scores(self, synthetic: Side) -> dict[str, np.ndarray]:
        """By attack what it says of members and non-members [rows]; larger says member."""
        made = points(synthetic, self.split.scale)
        k = min(self.to_reference.shape[1], synthetic.rows)
        near, known = nearest_euclidean(self._asked.matrix(), made.matrix(), k)[0], self.to_reference[:, :k]
        asked, reference, width, log_reference = self._embedded
        embedded = self._embedding(made)
        at_synthetic = densities.log_kernel_density(embedded, reference, width)
        out = {
            "nearest": neighbours.nearest_row(near),
            "difference": neighbours.nearest_difference(near, known),
            "plagiarism": neighbours.plagiarism_index(near, known),
            "kernel": densities.density_ratio(densities.log_kernel_density(asked, embedded, width), log_reference),
            "density": boosted_ratio(synthetic, self.split.reference, self.asked),
            "likelihood": densities.local_likelihood(asked, embedded, at_synthetic, len(reference), width),
            "forest": forest(synthetic, self.split.reference, self.asked),
        }
        return out | {"ranks": mean_ranks(out.values())}

    def attack(self, synthetic: Side, runs: int = 1) -> dict[str, dict[str, Strength]]:
        """By attack its strength on all rows, and on the isolated ones where both sides have at least five of them.

        Args:
            runs: how many generators are attacked, for whose number the intervals are corrected, too.
        """
        member = np.arange(self.asked.rows) < self.split.members.rows
        groups = {"all": np.ones(len(member), bool)}
        if min((self.isolated & member).sum(), (self.isolated & ~member).sum()) >= LEAST_COMPARED:
            groups["isolated"] = self.isolated
        return {
            name: {
                group: strength(scores[rows & member], scores[rows & ~member], TESTS * runs)
                for group, rows in groups.items()
            }
            for name, scores in self.scores(synthetic).items()
        }


def mean_ranks(every: Iterable[np.ndarray]) -> np.ndarray:
    """The mean over attacks of the rank of a row's score, in (0, 1] [rows] (Ward et al. 2025, arXiv:2509.05350)."""
    from scipy.stats import rankdata

    return np.mean([rankdata(scores) / len(scores) for scores in every], axis=0)


SCORES: Mapping[str, Meaning] = {
    f"membership_{name}_{kind}": Meaning(f"membership by {title}, {words}", NEAR, ideal, sentence=False)
    for name, title in ATTACKS.items()
    for kind, words, ideal in (("auc", "AUC", 0.5), ("tpr", "TPR at 1% FPR", 0.01))
} | {
    "membership_worst_auc": Meaning("worst membership attack, AUC", NEAR, 0.5, sentence=False),
    "membership_isolated_auc": Meaning("worst membership attack on isolated rows, AUC", NEAR, 0.5, sentence=False),
}


@metric(
    "membership",
    SCORES,
    **WITH_TEST,
)
def membership(tables: Tables, rows: int | None) -> Computed:
    """Which rows were trained on, beside both controls; the whole panel is among the details.

    The interval of the worst attack is corrected for the number of tests, those of other runs that are asked with this
    one included.
    """
    split, synthetic = Split.draw(tables, rows), tables.drawn("synthetic", rows, 2)
    attacker = Attacker(split)
    controls = {INDEPENDENT: split.independent(synthetic.rows), COPIES: split.copies(synthetic.rows)}
    found = {name: attacker.attack(side, tables.runs) for name, side in ({SYNTHETIC: synthetic} | controls).items()}
    scores = {
        f"membership_{name}_{kind}": Estimate(*interval, rows=attacker.asked.rows)
        for name, groups in found[SYNTHETIC].items()
        for kind, interval in (("auc", groups["all"].auc), ("tpr", groups["all"].tpr))
    }
    isolated = int(attacker.isolated.sum())
    for name, group, asked in (("worst", "all", attacker.asked.rows), ("isolated", "isolated", isolated)):
        every = [groups[group] for groups in found[SYNTHETIC].values() if group in groups]
        if every:
            worst = max(every, key=lambda one: one.auc_corrected[0])
            scores[f"membership_{name}_auc"] = Estimate(worst.auc[0], *worst.auc_corrected, rows=asked)
    sizes = {
        "members": split.members.rows,
        "non-members": split.others.rows,
        "reference": split.reference.rows,
        "isolated": isolated,
        "tests": TESTS * tables.runs,
    }
    plain = {
        table: {name: {group: dataclasses.asdict(one) for group, one in groups.items()} for name, groups in by.items()}
        for table, by in found.items()
    }
    notes = [
        say(
            "attacks on membership: {members:,} members, {others:,} non-members and {reference:,} reference rows; "
            "corrected intervals are for {tests} tests",
            members=sizes["members"],
            others=sizes["non-members"],
            reference=sizes["reference"],
            tests=sizes["tests"],
        )
    ]
    if isolated < FEW_ISOLATED:
        text = say(
            "attacks on membership: only {rows} rows count as isolated, so their intervals are wide", rows=isolated
        )
        notes.append(text)
    return Computed(scores, {"membership": plain, "membership rows": sizes}, notes)
