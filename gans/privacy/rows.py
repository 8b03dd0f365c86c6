"""Rows that nothing sees but mechanisms: each look is charged to the ledger before it happens."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from gans.privacy.entry import Entry
from gans.privacy.ledger import Ledger
from gans.privacy.noise import discrete_gaussian, noisy_max


class PrivateRows:
    """The codes of a table behind a ledger. One row more or less changes one cell of each marginal by one."""

    def __init__(self, codes: np.ndarray, cardinalities: Sequence[int], names: Sequence[str], ledger: Ledger) -> None:
        """Take the rows in.

        Args:
            codes: [rows, columns], each below its cardinality.
            names: of the columns, for the ledger.
        """
        self.cardinalities, self.names, self.ledger = tuple(cardinalities), tuple(names), ledger
        self.starts = np.concatenate([[0], np.cumsum(self.cardinalities)])
        self._codes = codes

    @property
    def count(self) -> int:
        """How many rows there are: for those who draw from them, and nobody else."""
        return len(self._codes)

    @cached_property
    def _pairs(self) -> np.ndarray:
        """Counts of all levels with all levels [levels, levels]."""
        from scipy.sparse import csr_array

        rows, columns = self._codes.shape
        places = (self._codes + self.starts[:-1]).ravel()
        hots = csr_array((np.ones(places.size, np.int64), places, np.arange(rows + 1) * columns))
        hots.resize((rows, int(self.starts[-1])))
        return (hots.T @ hots).toarray()

    def _block(self, first: int, second: int) -> np.ndarray:
        rows, columns = (slice(self.starts[place], self.starts[place + 1]) for place in (first, second))
        return self._pairs[rows, columns]

    def one_way(self, column: int, scale: float) -> np.ndarray:
        """Noisy counts [levels] of a column."""
        self.ledger.charge(Entry(f"counts of {self.names[column]}", "discrete Gaussian", 1.0, scale))
        counts = np.bincount(self._codes[:, column], minlength=self.cardinalities[column])
        return discrete_gaussian(counts, scale)

    def two_way(self, first: int, second: int, scale: float) -> np.ndarray:
        """Noisy counts [levels, levels] of two columns together."""
        what = f"counts of {self.names[first]} with {self.names[second]}"
        self.ledger.charge(Entry(what, "discrete Gaussian", 1.0, scale))
        block = self._block(first, second)
        return discrete_gaussian(block.ravel(), scale).reshape(block.shape)

    def worst_pair(self, pairs: np.ndarray, answers: np.ndarray, penalties: np.ndarray, scale: float) -> int:
        """Which of the pairs [n, 2] a model answers worst, by the exponential mechanism.

        The score of a pair is the L1 distance of its counts to the model's, less a penalty. Both are rounded to whole
        numbers, so that one row changes a score by one and no more.

        Args:
            answers: the model's counts of all levels with all levels [levels, levels].
            penalties: of each pair [n].
        """
        self.ledger.charge(Entry("choice of the pair that is answered worst", "exponential", 1.0, scale))
        apart = np.abs(self._pairs - np.rint(answers).astype(np.int64))
        totals = np.add.reduceat(np.add.reduceat(apart, self.starts[:-1], axis=0), self.starts[:-1], axis=1)
        scores = totals[pairs[:, 0], pairs[:, 1]] - np.rint(penalties).astype(np.int64)
        return noisy_max(scores.tolist(), scale)
