import numpy as np
import optax
import pytest

from gans.errors import UserError
from gans.optimizers.adam import Adam

N = 10


def rates(optimizer: optax.GradientTransformation, updates: int) -> np.ndarray:
    """Learning rates [updates]: under a constant gradient of 1, Adam's k-th update is minus the k-th rate."""
    state, out = optimizer.init(np.float32(0)), []
    for _ in range(updates):
        update, state = optimizer.update(np.float32(1), state)
        out.append(-float(update))
    return np.array(out)


@pytest.mark.parametrize(
    ("schedule", "half"),
    [("constant", 1.0), ("linear", (1 + 0.2) / 2), ("cosine", 0.2 + 0.8 * 0.5)],
)
def test_schedule_at_start_half_end_and_beyond(schedule: str, half: float) -> None:
    optimizer = Adam(learning_rate=0.01, schedule=schedule, final=0.2)
    got = rates(optimizer.generator(N), N + 3)
    end = 1.0 if schedule == "constant" else 0.2
    np.testing.assert_allclose(got[[0, N // 2, N, N + 2]], 0.01 * np.array([1, half, end, end]), rtol=1e-4)


def test_cosine_between() -> None:
    got = rates(Adam(learning_rate=0.01, schedule="cosine", final=0.05).generator(N), N)
    expected = 0.01 * (0.05 + 0.95 * (1 + np.cos(np.pi * np.arange(N) / N)) / 2)
    np.testing.assert_allclose(got, expected, rtol=1e-4)


def test_the_discriminator_has_its_own_rate_where_one_is_given() -> None:
    same = Adam(learning_rate=0.01, schedule="constant")
    own = Adam(learning_rate=0.01, discriminator_learning_rate=0.03, schedule="constant")
    np.testing.assert_allclose(rates(same.discriminator(N), 1), 0.01, rtol=1e-4)
    np.testing.assert_allclose(rates(own.discriminator(N), 1), 0.03, rtol=1e-4)
    np.testing.assert_allclose(rates(own.generator(N), 1), 0.01, rtol=1e-4)


def test_the_first_updates_are_those_of_the_paper() -> None:
    b1, b2, eps, rate = 0.5, 0.99, 1e-3, 0.02
    optimizer = Adam(learning_rate=rate, schedule="constant", b1=b1, b2=b2, eps=eps).generator(N)
    gradients = np.array([[0.5, -2.0, 1e-3], [0.1, 3.0, -0.4], [-1.0, 0.0, 0.2]], np.float32)
    state = optimizer.init(gradients[0])
    m, v = np.zeros(3), np.zeros(3)
    for step, gradient in enumerate(gradients, 1):
        update, state = optimizer.update(gradient, state)
        m, v = b1 * m + (1 - b1) * gradient, b2 * v + (1 - b2) * gradient.astype(float) ** 2
        expected = -rate * (m / (1 - b1**step)) / (np.sqrt(v / (1 - b2**step)) + eps)
        np.testing.assert_allclose(update, expected, rtol=1e-4, atol=1e-8)


def test_weight_decay_adds_the_parameters_to_the_gradient() -> None:
    rule = Adam(schedule="constant", weight_decay=0.1, discriminator_weight_decay=0.3)
    parameters, gradient = np.array([2.0, -5.0], np.float32), np.array([0.01, 0.4], np.float32)
    same = Adam(schedule="constant", weight_decay=0.1)
    for decay, optimizer in ((0.1, rule.generator(N)), (0.3, rule.discriminator(N)), (0.1, same.discriminator(N))):
        update, _ = optimizer.update(gradient, optimizer.init(parameters), parameters)
        plain = Adam(schedule="constant").generator(N)
        expected, _ = plain.update(gradient + decay * parameters, plain.init(parameters))
        np.testing.assert_allclose(update, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("learning_rate", 0.0, "more than 0"),
        ("learning_rate", float("nan"), "more than 0"),
        ("discriminator_learning_rate", -1.0, "more than 0"),
        ("final", 1.5, "at least 0 and at most 1"),
        ("b1", 1.0, "at least 0 and less than 1"),
        ("b2", -0.1, "at least 0 and less than 1"),
        ("eps", 0.0, "more than 0"),
        ("weight_decay", -1.0, "at least 0"),
        ("discriminator_weight_decay", -1.0, "at least 0"),
        ("schedule", "cosin", "allowed are constant, linear, cosine. Did you mean 'cosine'?"),
    ],
)
def test_values_out_of_range_raise(key: str, value: float | str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        Adam(**{key: value})  # pyright: ignore[reportArgumentType]
    assert f"optimizer.{key}={value if isinstance(value, str) else format(value, 'g')}" in str(caught.value)
    assert said in str(caught.value)
