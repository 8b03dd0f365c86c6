"""A small feature network for images of digits, trained where it is used: the recipe is this file.

1,797 handwritten digits of 8 x 8 pixels come with scikit-learn (Alpaydin & Kaynak 1998, UCI). scikit-learn's
MLPClassifier, 64 -> 128 -> 64 -> 10, learns four fifths of them in seconds; the features are the 64 of its last layer
but one. The same parameters come out on the same machine.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from gans.data.pictures import digits

SIZE = 8
HELD = 5


@cache
def digits_network() -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The trained network: images [images, 8, 8, 1] in [0, 1] -> features [images, 64], chances [images, 10].

    Every fifth digit is left out of its training.
    """
    from sklearn.neural_network import MLPClassifier

    images, classes = digits()
    train = np.arange(len(images)) % HELD != 0
    model = MLPClassifier(hidden_layer_sizes=(128, 64), alpha=1e-2, tol=1e-3, max_iter=500, random_state=0)
    model.fit(_flat(images[train]), classes[train])

    def network(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if images.shape[1:] != (SIZE, SIZE, 1):
            raise ValueError(f"images {images.shape}: the network of the digits takes [images, {SIZE}, {SIZE}, 1]")
        out = _flat(images)
        for weights, bias in zip(model.coefs_[:2], model.intercepts_[:2], strict=True):
            out = np.maximum(out @ weights + bias, 0)
        return out, np.asarray(model.predict_proba(_flat(images)))

    return network


def _flat(images: np.ndarray) -> np.ndarray:
    return np.asarray(images, np.float64).reshape(len(images), -1)
