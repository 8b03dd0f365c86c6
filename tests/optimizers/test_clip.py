import numpy as np
import optax
import pytest

from gans.config.compose import compose
from gans.errors import UserError
from gans.optimizers.adam import Adam
from gans.optimizers.rmsprop import RMSProp


def descend(optimizer: optax.GradientTransformation, start: float, gradient: float, steps: int = 5) -> list[float]:
    """The values of one parameter under a constant gradient."""
    value, state, out = np.float32(start), optimizer.init(np.float32(start)), []
    for _ in range(steps):
        update, state = optimizer.update(np.float32(gradient), state, value)
        value = optax.apply_updates(value, update)
        out.append(float(value))
    return out


@pytest.mark.parametrize("kind", [Adam, RMSProp])
def test_parameters_of_the_discriminator_stay_within_the_bound(kind: type) -> None:
    rule = kind(learning_rate=0.03, schedule="constant", clip=0.05)
    assert descend(rule.discriminator(5), 0.0, 1.0)[-1] == pytest.approx(-0.05, rel=1e-4)
    assert descend(rule.discriminator(5), 7.0, 1.0)[0] == pytest.approx(0.05, rel=1e-4)
    assert descend(rule.generator(5), 7.0, 1.0)[0] > 6


def test_within_the_bound_nothing_changes() -> None:
    free, bound = (Adam(schedule="constant", clip=clip).discriminator(5) for clip in (None, 1.0))
    np.testing.assert_allclose(descend(free, 0.2, -0.3), descend(bound, 0.2, -0.3), rtol=1e-5)


def test_rmsprop_by_hand() -> None:
    rate, decay, eps = 0.1, 0.8, 1e-8
    optimizer = RMSProp(learning_rate=rate, schedule="constant", decay=decay, eps=eps).generator(3)
    state, square = optimizer.init(np.float32(0)), 0.0
    for gradient in (2.0, -1.0, 0.5):
        update, state = optimizer.update(np.float32(gradient), state)
        square = decay * square + (1 - decay) * gradient**2
        np.testing.assert_allclose(update, -rate * gradient / np.sqrt(square + eps), rtol=1e-4)


def test_a_clipped_critic_takes_the_place_of_a_penalty() -> None:
    for key in ("optimizer.clip=0.01", "network.spectral_norm=true"):
        assert compose(["objective=wasserstein", key]).penalty == {}
    with pytest.raises(UserError, match=r"needs one of gradient_penalty, optimizer\.clip"):
        compose(["objective=wasserstein"])


@pytest.mark.parametrize(("key", "value"), [("clip", 0.0), ("decay", 1.0), ("eps", 0.0)])
def test_values_out_of_range_raise(key: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"optimizer\.{key}={value:g}"):
        RMSProp(**{key: value})
