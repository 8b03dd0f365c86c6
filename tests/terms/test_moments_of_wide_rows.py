import jax.numpy as jnp
import numpy as np
import pytest

from gans.data.layout import Encoded, Layout
from gans.terms import moments
from gans.terms.base import Made
from gans.terms.moments import Moments

LAYOUT = Layout(scalars=40, bound=9.0, cardinalities=(2, 3))


def rows(count: int, seed: int, correlation: float) -> Encoded:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(count, 40)) + correlation * rng.normal(size=(count, 1))
    return Encoded(scores.astype(np.float32), np.stack([rng.integers(0, n, count) for n in (2, 3)], 1).astype(np.int32))


def wide(encoded: Encoded) -> np.ndarray:
    return np.asarray(LAYOUT.wide(jnp.asarray(encoded.scalars), jnp.asarray(encoded.codes)))


def standardised(encoded: Encoded, real: Encoded) -> np.ndarray:
    everything = wide(real).astype(np.float64)
    return (wide(encoded) - everything.mean(axis=0)) / np.maximum(everything.std(axis=0), 0.05)


def by_hand(real: Encoded, fake: Encoded, projection: np.ndarray) -> float:
    x, (left, right) = standardised(real, real), np.split(standardised(fake, real), 2)
    gaps = [
        (half @ projection).T @ (half @ projection) / len(half) - (x @ projection).T @ (x @ projection) / len(x)
        for half in (left, right)
    ]
    return float(left.mean(axis=0) @ right.mean(axis=0) + (gaps[0] * gaps[1]).sum()) / (x.shape[1] + 1)


def cost(real: Encoded, fake: Encoded) -> float:
    term = Moments(weight=1.0)
    return float(
        term(
            LAYOUT,
            term.fit(LAYOUT, real),
            Made(jnp.asarray(wide(fake)), jnp.zeros((len(fake.scalars), 0))),
            jnp.zeros(()),
        )
    )


def test_narrow_rows_match_all_moments() -> None:
    real, fake = rows(9_000, 0, 0.0), rows(2_000, 1, 0.7)
    assert cost(real, fake) == pytest.approx(by_hand(real, fake, np.eye(45)), rel=1e-3)


def test_wide_rows_match_projections(monkeypatch: pytest.MonkeyPatch) -> None:
    real, alike, other = rows(9_000, 0, 0.0), rows(2_000, 1, 0.0), rows(2_000, 2, 0.7)
    monkeypatch.setattr(moments, "MOST_WIDE", 32)
    known = Moments().fit(LAYOUT, real)
    assert known["second"].shape == (32, 32)
    assert known["projection"].shape == (45, 32)
    x = standardised(real, real) @ known["projection"]
    np.testing.assert_allclose(known["second"], x.T @ x / len(x), atol=1e-3)
    np.testing.assert_allclose(known["projection"] ** 2, 1 / 32, rtol=1e-6)
    assert cost(real, other) == pytest.approx(by_hand(real, other, known["projection"]), rel=1e-3)
    assert abs(cost(real, alike)) < cost(real, other) / 50
