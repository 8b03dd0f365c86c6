import numpy as np
import pytest

from gans.errors import UserError
from gans.optimizers.sgd import SGD


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_updates_by_hand(momentum: float) -> None:
    optimizer = SGD(learning_rate=0.1, schedule="constant", momentum=momentum).generator(10)
    gradients = np.array([[0.5, -2.0], [0.1, 3.0], [-1.0, 0.0]], np.float32)
    state, trace = optimizer.init(gradients[0]), np.zeros(2)
    for gradient in gradients:
        update, state = optimizer.update(gradient, state)
        trace = gradient + momentum * trace
        np.testing.assert_allclose(update, -0.1 * trace, rtol=1e-5, atol=1e-8)


def test_bad_values_are_named() -> None:
    with pytest.raises(UserError, match=r"optimizer.momentum=1"):
        SGD(momentum=1.0)
