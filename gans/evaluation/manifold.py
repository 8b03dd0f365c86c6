"""Whether synthetic points lie where real ones do, whether they cover them, and whether they are new."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gans.evaluation.distances import point_matrices
from gans.evaluation.inputs import Tables
from gans.evaluation.metrics import HIGHER, LEAST_OF_EACH, NEAR, Computed, Estimate, Meaning, MostRows, metric
from gans.evaluation.neighbours import nearest_euclidean

STEPS = 30
NEIGHBOURS = 5


@dataclass
class Manifold:
    """Real points [rows, width], with what is computed of them once."""

    real: np.ndarray

    @cached_property
    def _radii(self) -> np.ndarray:
        """Distances [real, 6] of each real point to itself and its five nearest."""
        return nearest_euclidean(self.real, self.real, NEIGHBOURS + 1)[0]

    def alpha_beta(self, other: np.ndarray) -> dict[str, float]:
        """alpha_precision, beta_recall and authenticity of equally many points, each in [0, 1].

        Alaa et al. 2022 (arXiv:2102.08921) in the naive form of the published benchmark: no embedding, 30 radii.
        Alpha-precision: 1 minus the mean gap between alpha and the share of synthetic points within the alpha-quantile
        of the real distances to the real centre; 1 where distributions agree. Beta-recall: likewise for the share of
        synthetic points that lie nearer to a real point than its nearest real one does and whose real neighbour is
        within the beta-quantile about the synthetic centre; real rows beside real rows have about .5. Authenticity: the
        share of synthetic points that are farther from their nearest real point than that is from its own nearest.
        """
        alphas = np.linspace(0, 1, STEPS)
        centre, middle = self.real.mean(0), other.mean(0)
        radii = np.quantile(np.linalg.norm(self.real - centre, axis=1), alphas)
        inside = np.linalg.norm(other - centre, axis=1)
        precision = np.array([(inside <= radius).mean() for radius in radii])
        found, place = nearest_euclidean(self.real, other)
        away = np.linalg.norm(other[place[:, 0]] - middle, axis=1)
        near = found[:, 0] <= self._radii[:, 1]
        recall = np.array([(near & (away <= radius)).mean() for radius in np.quantile(away, alphas)])
        back, neighbour = nearest_euclidean(other, self.real)
        authentic = back[:, 0] > self._radii[neighbour[:, 0], 1]
        return {
            "alpha_precision": 1 - float(np.abs(alphas - precision).sum() / alphas.sum()),
            "beta_recall": 1 - float(np.abs(alphas - recall).sum() / alphas.sum()),
            "authenticity": float(authentic.mean()),
        }

    def precision_recall(self, other: np.ndarray) -> dict[str, float]:
        """precision, recall, density and coverage with five neighbours.

        Precision: share of synthetic points within the ball of a real point that reaches to its fifth neighbour;
        recall: the same with the sides exchanged (Kynkaanniemi et al. 2019, arXiv:1904.06991). Density: how many such
        balls a synthetic point lies in, by five; coverage: share of real points whose ball holds a synthetic point
        (Naeem et al. 2020, arXiv:2002.09797). Density may exceed 1; for like distributions its expectation is 1, that
        of coverage 1 - prod over i < 5 of (n - 1 - i) / (2 n - 1 - i), .97 for many rows.
        """
        real_radii = self._radii[:, NEIGHBOURS]
        other_radii = nearest_euclidean(other, other, NEIGHBOURS + 1)[0][:, NEIGHBOURS]
        inside, covered, reached = (np.zeros(len(side)) for side in (other, self.real, self.real))
        for start in range(0, len(self.real), 1_000):
            part = slice(start, start + 1_000)
            apart = _euclidean(self.real[part], other)
            within = apart <= real_radii[part, None]
            inside += within.sum(0)
            covered[part] = within.any(1)
            reached[part] = (apart <= other_radii[None]).any(1)
        return {
            "precision": float((inside > 0).mean()),
            "recall": float(reached.mean()),
            "density": float(inside.mean() / NEIGHBOURS),
            "coverage": float(covered.mean()),
        }


def expected_coverage(real: int, other: int) -> float:
    """The coverage of like distributions by `other` points: the chance that none of them is among the nearest five.

    Naeem et al. 2020, lemma 2: the five nearest of a real point among the others of both sides are all real.
    """
    places = np.arange(NEIGHBOURS)
    return float(1 - np.prod((real - 1 - places) / (real + other - 1 - places)))


def _euclidean(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    from sklearn.metrics import pairwise_distances

    return pairwise_distances(left, right)


@metric(
    "manifold",
    {
        "alpha_precision": Meaning("alpha-precision", HIGHER, 1.0, sentence=False),
        "beta_recall": Meaning("beta-recall", HIGHER, sentence=False),
        "authenticity": Meaning("authenticity", NEAR, sentence=False),
        "precision": Meaning("precision", HIGHER, sentence=False),
        "recall": Meaning("recall", HIGHER, sentence=False),
        "density": Meaning("density", NEAR, 1.0, sentence=False),
        "coverage": Meaning("coverage", HIGHER, sentence=False),
    },
    level="standard",
    least=LEAST_OF_EACH,
    most=MostRows(2_000, 10_000, 20_000),
)
def manifold(tables: Tables, rows: int | None) -> Computed:
    """How synthetic points lie to real ones, of equally many."""
    real, other = point_matrices(tables, rows)
    most, rows = rows, min(len(real), len(other))
    known = tables.once(("manifold", most, rows, tables.coding), lambda: Manifold(real[:rows]))
    scores = known.alpha_beta(other[:rows]) | known.precision_recall(other[:rows])
    covered = Estimate(scores["coverage"], real=expected_coverage(rows, rows))
    return Computed(scores | {"coverage": covered}, rows=rows)
