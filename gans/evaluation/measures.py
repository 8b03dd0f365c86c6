"""What each figure of an evaluation means: its part, which way is better, and what a perfect generator has."""

from dataclasses import dataclass

LEVELS = ("fast", "standard", "full")
PARTS = ("fidelity", "detection", "utility", "privacy")
HIGHER, LOWER, NEAR = "higher", "lower", "near"


@dataclass(frozen=True)
class Measure:
    """One figure.

    Attributes:
        title: for people.
        part: fidelity, detection, utility or privacy.
        better: higher, lower, or near its ideal.
        ideal: of a perfect generator; None for what held-out real rows have.
    """

    title: str
    part: str
    better: str
    ideal: float | None = None


MEASURES = {
    "shape_error": Measure("shape error, %, as published (sdmetrics 0.11)", "fidelity", LOWER),
    "trend_error": Measure("trend error, %, as published (sdmetrics 0.11)", "fidelity", LOWER),
    "column_distance": Measure("column distance, corrected", "fidelity", LOWER),
    "pair_distance": Measure("pair distance, corrected", "fidelity", LOWER),
    "wasserstein": Measure("Wasserstein distance of columns", "fidelity", LOWER),
    "jensen_shannon": Measure("Jensen-Shannon distance of columns", "fidelity", LOWER),
    "joint_jensen_shannon": Measure("Jensen-Shannon distance of pairs", "fidelity", LOWER),
    "sliced_wasserstein": Measure("sliced Wasserstein distance of rows", "fidelity", LOWER),
    "mmd": Measure("squared MMD, unbiased", "fidelity", LOWER, 0.0),
    "frechet": Measure("Frechet distance on learnt features", "fidelity", LOWER),
    "alpha_precision": Measure("alpha-precision", "fidelity", HIGHER, 1.0),
    "beta_recall": Measure("beta-recall", "fidelity", HIGHER),
    "authenticity": Measure("authenticity", "fidelity", NEAR),
    "precision": Measure("precision", "fidelity", HIGHER),
    "recall": Measure("recall", "fidelity", HIGHER),
    "density": Measure("density", "fidelity", NEAR, 1.0),
    "coverage": Measure("coverage", "fidelity", HIGHER),
    "detection": Measure("detection, small forest, against held-out rows", "detection", HIGHER, 1.0),
    "xgb_c2st": Measure("XGB-C2ST, against training rows", "detection", HIGHER, 1.0),
    "xgb_c2st_test": Measure("XGB-C2ST, against held-out rows", "detection", HIGHER, 1.0),
    "lr_c2st": Measure("LR-C2ST", "detection", HIGHER, 1.0),
    "tstr": Measure("trained on synthetic, tested on real", "utility", HIGHER),
    "trtr": Measure("trained on real, tested on real", "utility", HIGHER),
    "tsts": Measure("trained on synthetic, tested on synthetic", "utility", NEAR),
    "trts": Measure("trained on real, tested on synthetic", "utility", NEAR),
    "lift_synthetic": Measure("lift at 10 %, trained on synthetic", "utility", HIGHER),
    "lift_real": Measure("lift at 10 %, trained on real", "utility", HIGHER),
    "augmentation_gain": Measure("gain by adding synthetic to real rows", "utility", HIGHER),
    "smote_gain": Measure("gain by adding rows of SMOTE to real rows", "utility", HIGHER),
    "dcr_share": Measure("DCR share (a proxy, not a proof)", "privacy", NEAR),
    "nndr_share": Measure("low nearest-neighbour distance ratios", "privacy", LOWER),
    "near_copies": Measure("near copies of training rows", "privacy", LOWER),
    "exact_copies": Measure("exact copies of training rows", "privacy", LOWER),
    "membership_nearest_auc": Measure("membership by nearest row, AUC", "privacy", NEAR, 0.5),
    "membership_nearest_tpr": Measure("membership by nearest row, TPR at 1 % FPR", "privacy", NEAR, 0.01),
    "membership_density_auc": Measure("membership by density ratio, AUC", "privacy", NEAR, 0.5),
    "membership_density_tpr": Measure("membership by density ratio, TPR at 1 % FPR", "privacy", NEAR, 0.01),
    "attribute": Measure("attribute inference, advantage over unseen rows", "privacy", NEAR, 0.0),
    "singling_out": Measure("singling-out risk (anonymeter)", "privacy", NEAR, 0.0),
    "linkability": Measure("linkability risk (anonymeter)", "privacy", NEAR, 0.0),
}


def measure(name: str) -> Measure:
    """The meaning of a figure; `attribute/SECRET` is an attribute of that column.

    Raises:
        KeyError: no evaluation gives it.
    """
    kind, _, secret = name.partition("/")
    found = MEASURES[kind]
    return Measure(f"{found.title}: {secret}", found.part, found.better, found.ideal) if secret else found
