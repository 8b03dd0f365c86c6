"""Attacks on membership that look at the rows nearby: pure functions of distances, Euclidean, on rows as points."""

import numpy as np

NEIGHBOURS = 5


def nearest_row(to_synthetic: np.ndarray) -> np.ndarray:
    """Minus the distance to the nearest synthetic row.

    The simplest attack of Chen et al. 2020 (GAN-Leaks, arXiv:1909.03935, section 4.2): it needs no other rows.

    Args:
        to_synthetic: distances to the nearest synthetic rows [rows, k], the nearest first.

    Returns:
        Scores [rows]; larger says member, as in every attack here.
    """
    return -to_synthetic[:, 0]


def nearest_difference(to_synthetic: np.ndarray, to_reference: np.ndarray) -> np.ndarray:
    """The distance to the nearest reference row less that to the nearest synthetic one.

    A row that is far from everything is not taken for a stranger for that: the calibration of Chen et al. 2020
    (arXiv:1909.03935, section 4.4), with real rows in the place of the samples of a reference model.
    """
    return to_reference[:, 0] - to_synthetic[:, 0]


def plagiarism_index(to_synthetic: np.ndarray, to_reference: np.ndarray) -> np.ndarray:
    """The share of synthetic rows among the k nearest of synthetic and reference rows together.

    The data plagiarism index (Ward et al. 2024, arXiv:2406.13012), with k the number of distances given of each side.
    Of rows that are equally far as the k-th, the share of synthetic ones is taken.
    """
    k = to_synthetic.shape[1]
    both = np.concatenate([to_synthetic, to_reference], axis=1)
    last = np.partition(both, k - 1, axis=1)[:, k - 1 : k]
    nearer, tied = both < last, both == last
    room = k - nearer.sum(axis=1)
    share = tied[:, :k].sum(axis=1) / tied.sum(axis=1)
    return (nearer[:, :k].sum(axis=1) + room * share) / k
