"""Resampling by a boosted density ratio."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gans.artefacts import read_npz, reading
from gans.data.codecs import FittedCodec
from gans.data.codecs.settle import settle
from gans.data.layout import Encoded
from gans.errors import in_range
from gans.files import write_atomic
from gans.refinement.base import FittedRefinement, Refinement, Tell, untold
from gans.refinement.calibration import Calibration, calibrate
from gans.refinement.pools import lost
from gans.refinement.raking import Raking, rake
from gans.refinement.trees import check_trees
from gans.registry import register
from gans.trees import import_xgboost

MOST_ROWS = 200_000
FRESH = 480_000  # generated rows for raking, which no tree has seen
LEAST_FRESH = 8_192
MOST_CELLS = 2**26  # numbers and codes of the generated rows, 256 MiB: of rows wider than a hundred columns, fewer rows
PREDICTED = 2**22  # cells that the trees look at in one go
FEWEST, MOST = 2, 16  # candidates for each row that is chosen
LOST = 0.02  # of the weight, by a pool of so many
VALIDATION = 10  # every tenth row says when to stop
PATIENCE = 20
MOST_CANDIDATES = 1024
CATEGORIES = 256  # a code with more levels is taken as a number


@dataclass
class FittedBoosted:
    """Calibrated scalars, boosted trees whose logit is the ratio, and the offsets that keep the margins.

    Attributes:
        strength: what the sum of logit and offsets is multiplied by.
    """

    codec: FittedCodec
    calibration: Calibration
    booster: Any
    candidates: int
    bound: float
    strength: float = 1.0
    raking: Raking | None = None

    def adjust(self, rows: Encoded, given: np.ndarray | None) -> Encoded:
        """The rows with calibrated scalars, and copied columns as they are restored."""
        return settle(self.codec, self.calibration.adjust(rows, given), given)

    def log_weights(self, rows: Encoded) -> np.ndarray:
        """The logits [rows], within +-bound, and the offsets, times the strength."""
        block = max(PREDICTED // max(len(self.codec.columns), 1), 1)
        return np.concatenate(
            [
                self._log_weights(Encoded(*(part[start : start + block] for part in rows)))
                for start in range(0, max(len(rows.scalars), 1), block)
            ]
        )

    def _log_weights(self, rows: Encoded) -> np.ndarray:
        logits = np.clip(self.booster.predict(_matrix(self.codec, rows), output_margin=True), -self.bound, self.bound)
        return self.strength * (logits if self.raking is None else logits + self.raking.log_weights(rows))

    def save(self, path: Path) -> None:
        """Write the trees as UBJSON and the offsets beside them in one .npz file."""
        arrays: dict[str, Any] = {"trees": np.frombuffer(self.booster.save_raw("ubj"), np.uint8)}
        arrays |= {"candidates": np.array(self.candidates), "strength": np.array(self.strength)}
        arrays |= self.calibration.arrays()
        if self.raking is not None:
            arrays |= self.raking.arrays()
        write_atomic(path, lambda temporary: np.savez_compressed(temporary, **arrays))


@register("refine", "boosted")
@dataclass(kw_only=True)
class Boosted(Refinement):
    """Of a pool of generated rows some are taken, with a chance in proportion to p(real) / p(generated) at each.

    Sampling-importance-resampling by a probabilistic classifier, here boosted trees (Chen & Guestrin 2016,
    arXiv:1603.02754): the discriminator rejection sampling of Azadi et al. 2019 (arXiv:1810.06758) with a
    classifier that is trained after the generator, on training rows and fresh generated rows, and stops by a tenth
    of both. It mends what trees see better than the critic: levels that seldom go together, steps of numbers given
    levels. No row is copied; numbers are calibrated. Raking then brings single columns and pairs closer to the real
    shares, as far as chance does not explain the distance. Sampling costs `candidates` times as much.

    The ratio is learned from a sample: trees of large leaves learn less of what is peculiar to it. What each
    setting gains on unseen rows, and what it remembers, stands in experiments/refinement.

    Attributes:
        strength: power of the ratio, from 0 (calibrated numbers only) to 1: less remembers less and mends less.
        candidates: generated rows for each that is taken; None for the fewest from 2 to 16 that lose at most 2% of the
            weight, since a row is taken once at most: the more, the farther the generator is from the training rows.
        trees: at most.
        depth: of a tree.
        leaf: the least weight of a leaf, in units of xgboost's min_child_weight: about a quarter of its rows, training
            rows and as much weight of generated ones.
        learning_rate: of the boosting.
        generated: rows for each training row, beside 480,000: half of all for the classifier, the others for raking.
            Rows of more than some hundred columns are fewer, so that all together take a fixed part of the memory.
        bound: of the logarithm of the ratio that the trees tell.
        pairs: of columns that are raked, at most; of more, some at random.
        bins: of equal shares, into which the numbers of a column by itself are sorted for it.
        calibrated: whether generated numbers follow the law of the real ones before they are compared. Switch it off
            where a number follows from something else.
    """

    takes_images: ClassVar[bool] = False

    strength: float = 1.0
    candidates: int | None = None
    trees: int = 200
    depth: int = 6
    leaf: float = 50.0
    learning_rate: float = 0.3
    generated: int = 3
    bound: float = 3.0
    pairs: int = 400
    bins: int = 50
    calibrated: bool = True

    def __post_init__(self) -> None:
        for key in ("candidates", "trees", "depth", "generated"):
            if (value := getattr(self, key)) is not None:
                in_range(f"refine.{key}", value, 1, MOST_CANDIDATES if key == "candidates" else None)
        in_range("refine.strength", self.strength, 0, 1)
        in_range("refine.leaf", self.leaf, 0)
        in_range("refine.learning_rate", self.learning_rate, 0, 1, open_low=True)
        in_range("refine.pairs", self.pairs, 0)
        in_range("refine.bins", self.bins, 1)
        in_range("refine.bound", self.bound, 0, open_low=True)

    def check(self) -> None:
        """Raise UserError where XGBoost is not installed."""
        import_xgboost()

    def needs(self, rows: int, width: int = 1) -> int:
        """How many generated rows `fit` needs."""
        wanted = self.generated * min(rows, MOST_ROWS) + FRESH
        return min(wanted, max(MOST_CELLS // max(width, 1), LEAST_FRESH))

    def fit(self, codec: FittedCodec, real: Encoded, generated: Encoded, tell: Tell = untold) -> FittedRefinement:
        """Calibrate, train the classifier, in which both sides weigh the same, and rake."""
        xgboost = import_xgboost()
        most = min(MOST_ROWS, max(MOST_CELLS // 4 // max(len(codec.columns), 1), LEAST_FRESH))
        some = np.random.default_rng(0).permutation(len(real.scalars))[:most]
        real = Encoded(real.scalars[some], real.codes[some])
        calibration = calibrate(codec, real, generated) if self.calibrated else Calibration(codec, {}, {})
        generated = settle(codec, calibration.adjust(generated))
        kept = len(generated.scalars) - min(FRESH, len(generated.scalars) // 2)
        fresh = Encoded(*(part[kept:] for part in generated))
        generated = Encoded(*(part[:kept] for part in generated))
        both = Encoded(*(np.concatenate(pair) for pair in zip(real, generated, strict=True)))
        label = np.arange(len(both.scalars)) < len(real.scalars)
        weight = np.where(label, 1.0, len(real.scalars) / len(generated.scalars))
        validation = np.arange(len(label)) % VALIDATION == 0
        parts = []
        for part in (~validation, validation):
            rows = Encoded(both.scalars[part], both.codes[part])
            parts.append(_matrix(codec, rows, label=label[part], weight=weight[part]))
        settings = {
            "objective": "binary:logistic",
            "max_depth": self.depth,
            "learning_rate": self.learning_rate,
            "min_child_weight": self.leaf,
            "tree_method": "hist",
            "nthread": 1,  # the same trees on every machine
            "seed": 0,
        }
        booster = xgboost.train(
            settings,
            parts[0],
            self.trees,
            evals=[(parts[1], "validation")],
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
            callbacks=[_telling(tell, self.trees)],
        )
        out = FittedBoosted(codec, calibration, booster[: booster.best_iteration + 1], FEWEST, self.bound)
        weights = out.log_weights(fresh)
        out.candidates = self.candidates or enough(weights)
        out.raking = rake(codec, real, fresh, weights, out.candidates, self.pairs, self.bins, tell)
        out.strength = self.strength
        return out

    def load(self, path: Path, codec: FittedCodec) -> FittedRefinement | None:
        """Read the trees; None where the run has none yet.

        Raises:
            UserError: the file is damaged.
        """
        if not path.is_file():
            return None
        with reading(path, "a readable refinement"):
            data = read_npz(path)
            trees, candidates = data["trees"].tobytes(), int(data["candidates"])
            strength = float(data.get("strength", 1.0))  # older versions have none
            if not 1 <= candidates <= MOST_CANDIDATES:
                raise ValueError(f"{candidates} candidates")
            if not 0 <= strength <= 1:
                raise ValueError(f"strength {strength}")
            check_trees(trees, len(codec.columns), CATEGORIES)
            booster = import_xgboost().Booster({"nthread": 1})
            booster.load_model(bytearray(trees))
            calibration, raking = Calibration.read(codec, data), Raking.read(codec, data)
            return FittedBoosted(codec, calibration, booster, candidates, self.bound, strength, raking)


def enough(log_weights: np.ndarray) -> int:
    """How many candidates there should be for each row that is chosen, by the weights of generated rows."""
    return next((times for times in range(FEWEST, MOST) if lost(log_weights, times) <= LOST), MOST)


def _telling(tell: Tell, trees: int) -> Any:
    """A callback of xgboost that tells of each tree."""
    from xgboost.callback import TrainingCallback

    class Telling(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            tell("trees", epoch + 1, trees)
            return False

    return Telling()


def _matrix(codec: FittedCodec, rows: Encoded, **more: Any) -> Any:
    """One feature a learned column: its number, NaN where missing, or its code."""
    table, kinds = np.empty((len(rows.scalars), len(codec.columns)), np.float32), []
    for place, fitted in enumerate(codec.columns):
        if fitted.numeric:
            values = fitted.decode_numbers(rows)
            table[:, place] = np.where(fitted.missing(rows), np.nan, values) if fitted.column.missing else values
        else:
            table[:, place] = rows.codes[:, fitted.code]
        kinds.append("q" if fitted.numeric or fitted.cardinality > CATEGORIES else "c")
    return import_xgboost().DMatrix(table, feature_types=kinds, enable_categorical=True, nthread=1, **more)
