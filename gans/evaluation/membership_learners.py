"""Attacks on membership by models that learn to tell synthetic rows from real ones that were not trained on."""

import numpy as np

from gans.evaluation.inputs import Side, joined
from gans.trees import import_xgboost


def _labelled(synthetic: Side, reference: Side) -> tuple[Side, np.ndarray, np.ndarray]:
    """Both sides one below the other, 1 for synthetic rows, and weights by which both sides weigh the same."""
    sizes = [synthetic.rows, reference.rows]
    weights = np.repeat([sum(sizes) / (2 * size) for size in sizes], sizes)
    return joined(synthetic, reference), np.repeat([1, 0], sizes), weights


def boosted_ratio(synthetic: Side, reference: Side, rows: Side) -> np.ndarray:
    """The log of the ratio of the synthetic to the real density at rows, by boosted trees.

    DOMIAS (van Breugel et al. 2023, arXiv:2302.12580) with the ratio from a classifier in the place of two density
    estimates; no shadow model is needed. On one thread: with so few rows more of them cost more than they give.

    Returns:
        Scores [rows]; larger says member.
    """
    both, labels, weights = _labelled(synthetic, reference)
    model = import_xgboost().XGBClassifier(
        n_estimators=100, max_depth=6, enable_categorical=True, random_state=0, n_jobs=1
    )
    model.fit(both.frame(), labels, sample_weight=weights)
    return model.predict(rows.frame(), output_margin=True).astype(np.float64)


def forest(synthetic: Side, reference: Side, rows: Side) -> np.ndarray:
    """The chance of being synthetic, by extremely randomised trees (Geurts et al. 2006), grown to single rows.

    The attacker's own discriminator of LOGAN (Hayes et al. 2019, arXiv:1705.07663, section 4.2), with a forest in the
    place of a network: it learns rows by heart, which is what an attacker wants here.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    both, labels, weights = _labelled(synthetic, reference)
    model = ExtraTreesClassifier(100, n_jobs=-1, random_state=0).fit(both.matrix(), labels, weights)
    return model.predict_proba(rows.matrix())[:, 1].round(9)  # threads add in any order
