"""How real generated images look to a feature network: FID, KID and the Inception-style score.

The network is whatever maps images to features and class chances: one trained on the digits of scikit-learn
(`gans.evaluation.digits`), or Inception from a file of the user's. Figures of different networks do not compare.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gans.artefacts import read_npy, reading
from gans.data.codecs.images import brightness
from gans.data.schema import Schema
from gans.errors import UserError
from gans.evaluation.digits import SIZE, digits_network
from gans.evaluation.distances import frechet
from gans.evaluation.inputs import Tables
from gans.evaluation.metrics import HIGHER, LOWER, Meaning, metric

BLOCK = 250
SUBSETS, SUBSET = 100, 1_000
SPLITS = 10

Network = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Images [images, height, width, channels] in [0, 1] -> features [images, width], chances [images, classes]."""


def image_scores(real: np.ndarray, generated: np.ndarray, network: Network) -> dict[str, float]:
    """fid, kid and inception_score of generated beside real images [images, height, width, channels] in [0, 1].

    Raises:
        ValueError: the shapes of the images differ, or there are fewer than two.
    """
    if real.shape[1:] != generated.shape[1:] or real.ndim != 4 or min(len(real), len(generated)) < 2:
        raise ValueError(f"images {real.shape} and {generated.shape}: two or more [height, width, channels] of a shape")
    return scores_of_features(features(real, network)[0], *features(generated, network))


def scores_of_features(real: np.ndarray, generated: np.ndarray, chances: np.ndarray) -> dict[str, float]:
    """The same of features [images, width] of both sides, and class chances [images, classes] of the generated ones."""
    return {"fid": frechet(real, generated), "kid": kid(real, generated), "inception_score": inception_score(chances)}


def read_array(name: str, key: str) -> np.ndarray:
    """Images [images, height, width, channels] in [0, 1] of a .npy file; `key` names it in messages.

    Raises:
        UserError: the file is missing or damaged, or holds no images.
    """
    with reading(f"{key}={name}", "a readable .npy file"):
        array = read_npy(Path(name))
    plain = array.dtype.kind in "fiub" and array.ndim in (3, 4) and array.size
    if not plain or not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise UserError(f"{key}={name}: images [images, height, width, channels] in [0, 1] are needed.")
    return (array[..., None] if array.ndim == 3 else array).astype(np.float32)


def features(images: np.ndarray, network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Features and chances of images, 250 at a time."""
    parts = [network(images[start : start + BLOCK]) for start in range(0, len(images), BLOCK)]
    there, chances = (np.concatenate([np.asarray(part[side], np.float64) for part in parts]) for side in (0, 1))
    return there, chances


def kid(real: np.ndarray, generated: np.ndarray) -> float:
    """The kernel inception distance of features [images, width]: unbiased MMD^2 with the kernel (x.y / width + 1)^3.

    Mean over 100 random subsets of at most 1,000 (Binkowski et al. 2018, arXiv:1801.01401).
    """
    rng, rows = np.random.default_rng(0), min(SUBSET, len(real), len(generated))
    total = 0.0
    for _ in range(SUBSETS):
        left, right = (side[rng.choice(len(side), rows, replace=False)] for side in (real, generated))
        within = sum((_kernel(side, side).sum() - _kernel_diagonal(side).sum()) for side in (left, right))
        total += within / (rows * (rows - 1)) - 2 * _kernel(left, right).mean()
    return float(total / SUBSETS)


def _kernel(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left @ right.T / left.shape[1] + 1) ** 3


def _kernel_diagonal(side: np.ndarray) -> np.ndarray:
    return ((side**2).sum(1) / side.shape[1] + 1) ** 3


def inception_score(chances: np.ndarray) -> float:
    """exp of the mean KL of class chances [images, classes] to their mean, averaged over ten parts; 1 to classes.

    Salimans et al. 2016 (arXiv:1606.03498). It looks at generated images only, so copies of a few score well.
    """
    parts = np.array_split(chances, min(SPLITS, len(chances)))
    return float(np.mean([np.exp(_mean_divergence(part)) for part in parts]))


def _mean_divergence(chances: np.ndarray) -> float:
    from scipy.special import rel_entr

    return float(rel_entr(chances, chances.mean(0, keepdims=True)).sum(1).mean())


def read_network(name: str) -> Network:
    """The network `digits`, or that of a TorchScript file such as the published inception-2015-12-05.pt.

    A file's network takes uint8 images [images, channels, height, width], with `return_features=True` for features, and
    gives class chances without. It needs torch.

    Raises:
        UserError: no such file, it cannot be read, or torch is not installed.
    """
    if name == "digits":
        return digits_network()
    if not Path(name).is_file():
        raise UserError(f"network={name}: no such file; allowed are digits and a TorchScript file.")
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UserError(f"network={name}: it needs torch; pip install torch.") from None
    try:
        model = torch.jit.load(name, map_location="cpu").eval()
    except RuntimeError as error:
        raise UserError(f"network={name}: not a TorchScript file ({str(error).strip().splitlines()[0]}).") from None

    def network(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pixels = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8).transpose(0, 3, 1, 2)
        pixels = np.repeat(pixels, 3, axis=1) if pixels.shape[1] == 1 else np.ascontiguousarray(pixels)
        with torch.no_grad():
            there, chances = model(torch.from_numpy(pixels), return_features=True), model(torch.from_numpy(pixels))
        return there.numpy(), chances.numpy()

    return network


def _of_digits(schema: Schema) -> str:
    there = [column.type.split(", ")[1].rstrip("]") for column in schema.images]
    return "" if there == [f"{SIZE} x {SIZE} x 1"] else f"it knows images of {SIZE} x {SIZE} x 1 pixels only"


@metric(
    "images",
    {
        "fid": Meaning("FID", LOWER),
        "kid": Meaning("KID, unbiased", LOWER, 0.0),
        "inception_score": Meaning("Inception-style score", HIGHER),
    },
    part="images",
    least=100,
    lacks=_of_digits,
)
def images_of_digits(tables: Tables, rows: int | None) -> dict[str, float]:
    """The scores on the features of the network of the digits."""
    (column,), network = tables.schema.images, digits_network()

    def seen(side: str) -> tuple[np.ndarray, np.ndarray]:
        return features(brightness(tables.head(side, rows)[column.name], column), network)

    real, _ = tables.once(("features of images", rows), lambda: seen("real"))
    return scores_of_features(real, *seen("synthetic"))
