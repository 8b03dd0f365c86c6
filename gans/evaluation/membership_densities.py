"""Attacks on membership that compare densities, estimated by Gaussian kernels on a compact embedding of the rows."""

import numpy as np

from gans.evaluation.embedding import Points

COMPONENTS = 16
NARROW = 0.5
NEAREST = 10
BLOCK = 512


class Embedding:
    """Rows as few numbers of mean 0 and variance 1: a factor analysis of mixed data (Pages 2004), learned from a table.

    Numbers become normal scores, so that long tails do not lead; one-hots are divided by the root of their share;
    principal components of both follow, sixteen at most.
    """

    def __init__(self, reference: Points) -> None:
        from sklearn.decomposition import PCA
        from sklearn.preprocessing import QuantileTransformer

        rows = len(reference)
        self.normal = None
        if reference.numbers.shape[1]:
            quantiles = min(1_000, rows)
            self.normal = QuantileTransformer(n_quantiles=quantiles, output_distribution="normal", random_state=0)
            self.normal.fit(reference.numbers)
        shares = reference.onehot().mean(axis=0)
        self.scale = 1 / np.sqrt(np.maximum(shares, 1 / rows))
        wide = self._wide(reference)
        size = min(COMPONENTS, *wide.shape)
        self.components = PCA(size, whiten=True, random_state=0, svd_solver="covariance_eigh").fit(wide)

    def _wide(self, rows: Points) -> np.ndarray:
        levels = rows.onehot() * self.scale
        if self.normal is None:
            return levels
        return np.concatenate([self.normal.transform(rows.numbers), levels], axis=1)

    def __call__(self, rows: Points) -> np.ndarray:
        """Float32 [rows, components]."""
        return np.asarray(self.components.transform(self._wide(rows)), np.float32)


def bandwidth(rows: int, width: int) -> float:
    """Half of Scott's rule for points of variance 1, rows^(-1 / (width + 4)) (Scott 1992).

    Narrower than what estimates a density best: a single row is looked for.
    """
    return NARROW * rows ** (-1 / (width + 4))


def log_kernel_density(places: np.ndarray, rows: np.ndarray, width: float) -> np.ndarray:
    """The log of the mean of exp(-|place - row|^2 / 2 width^2) over rows [rows, components], for places [places].

    A density but for a factor that is the same everywhere. The sum is taken in logs: far from every row it is small
    and not zero. Distances are differences of squares, which 32 bits do not hold to what the density needs.
    """
    places, rows = places.astype(np.float64), rows.astype(np.float64)
    squares, out = (rows**2).sum(axis=1), np.empty(len(places))
    for start in range(0, len(places), BLOCK):
        block = places[start : start + BLOCK]
        powers = block @ rows.T
        powers -= squares / 2
        powers -= (block**2).sum(axis=1)[:, None] / 2
        powers /= width**2
        most = powers.max(axis=1, keepdims=True)
        near = (powers - most).astype(np.float32)
        out[start : start + BLOCK] = np.log(np.exp(near, out=near).mean(axis=1)) + most[:, 0]
    return out


def density_ratio(synthetic: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The log of the ratio of the synthetic to the real density at rows, of their logs [rows].

    DOMIAS (van Breugel et al. 2023, arXiv:2302.12580, equation 2) by kernel estimates: where it is high, the
    generator overfitted.
    """
    return synthetic - reference


def local_likelihood(
    rows: np.ndarray, synthetic: np.ndarray, reference_at_synthetic: np.ndarray, reference: int, width: float
) -> np.ndarray:
    """How much likelier the nearest synthetic rows become when a row joins the reference rows.

    Gen-LRA (Ward et al. 2025, as Synth-MIA describes it, arXiv:2509.18014): the sum over the ten synthetic rows s
    nearest to x of log p(s | reference and x) - log p(s | reference), with kernel estimates p. With n reference rows
    and a kernel K a term is log((n + K(s, x) / p(s)) / (n + 1)).

    Args:
        rows: x, embedded [rows, components].
        synthetic: embedded [synthetic, components].
        reference_at_synthetic: the log of the reference rows' density at the synthetic ones [synthetic].
        reference: number of reference rows n.
        width: of the kernel.
    """
    from gans.evaluation.neighbours import nearest_euclidean

    distances, places = nearest_euclidean(rows, synthetic, min(NEAREST, len(synthetic)))
    gained = -(distances**2) / (2 * width**2) - reference_at_synthetic[places]
    return (np.logaddexp(np.log(reference), gained) - np.log(reference + 1)).sum(axis=1)
