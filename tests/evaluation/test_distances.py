import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance
from sklearn.metrics.pairwise import rbf_kernel

from gans.evaluation import distances, published
from gans.evaluation.embedding import Points, points
from gans.evaluation.manifold import Manifold, expected_coverage
from gans.evaluation.neighbours import nearest_manhattan

from .customers import people, sides


def made_points(seed: int, rows: int) -> Points:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, 4, rows), rng.integers(0, 2, rows)], axis=1).astype(np.int32)
    return Points(rng.random((rows, 3)).astype(np.float32), codes, (4, 2))


def test_published_shape_by_hand() -> None:
    real = pa.table({"x": [1.5, 2.5, 3.5, 4.5], "c": ["a", "a", "b", "c"]})
    made = pa.table({"x": [1.5, 2.5, 13.5, 14.5], "c": ["a", "d", "b", "c"]})
    errors = published.shape_errors(*sides(real, made))
    assert errors == pytest.approx({"x": 0.5, "c": 0.25})


def test_published_trend_by_hand() -> None:
    x = np.arange(20) / 3
    real, made = pa.table({"x": x, "y": 2 * x}), pa.table({"x": x, "y": -x})
    assert published.trend_errors(*sides(real, made)) == {("x", "y"): pytest.approx(1)}
    real = pa.table({"x": [0.5, 9.5, 0.5, 9.5], "c": ["a", "b", "a", "b"]})
    made = pa.table({"x": [0.5, 9.5, 9.5, 0.5], "c": ["a", "b", "a", "b"]})
    assert published.trend_errors(*sides(real, made)) == {("x", "c"): pytest.approx(0.5)}


def test_many_cells_count_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = sides(people(0), people(1, shift=5))
    usual = published.trend_errors(real, made)
    monkeypatch.setattr(published, "MOST_CELLS", 1)
    assert published.trend_errors(real, made) == pytest.approx(usual)


def test_wasserstein_is_scipys_in_standard_deviations() -> None:
    real, made = sides(people(0), people(1, shift=3))
    found, x, y = distances.wasserstein(real, made), real.columns["income"], made.columns["income"]
    names = ["income"]
    part = distances.wasserstein(
        *(type(side)({name: side.columns[name] for name in names}, {}) for side in (real, made))
    )
    assert part == pytest.approx(wasserstein_distance(x, y) / x.std())
    assert 0 < found < distances.wasserstein(*sides(people(0), people(1, shift=9)))


def test_jensen_shannon_is_scipys() -> None:
    real, made = pa.table({"c": ["a", "a", "b", "b"]}), pa.table({"c": ["a", "b", "b", "c"]})
    expected = jensenshannon([0.5, 0.5, 0], [0.25, 0.5, 0.25], base=2)
    assert distances.jensen_shannon(*sides(real, made)) == pytest.approx(expected)
    far = pa.table({"c": ["x", "y", "x", "z"]})
    assert distances.jensen_shannon(*sides(real, far)) == pytest.approx(1)


def test_joint_jensen_shannon_sees_pairs_only() -> None:
    real = pa.table({"a": ["0", "0", "1", "1"] * 9, "b": ["p", "q", "p", "q"] * 9})
    made = pa.table({"a": ["0", "0", "1", "1"] * 9, "b": ["p", "p", "q", "q"] * 9})
    both = sides(real, made)
    assert distances.jensen_shannon(*both) == pytest.approx(0)
    assert distances.joint_jensen_shannon(*both) == pytest.approx(jensenshannon([0.25] * 4, [0.5, 0, 0, 0.5], base=2))


def test_sliced_wasserstein_of_a_shift() -> None:
    """A shift by v costs |v . direction|, on average over directions of the plane 2 |v| / pi."""
    rng = np.random.default_rng(0)
    left = rng.normal(size=(500, 2))
    found = distances.sliced_wasserstein(left, left + np.array([3.0, 4.0]))
    assert found == pytest.approx(2 * 5 / np.pi, rel=0.1)
    assert distances.sliced_wasserstein(left, left[::-1]) == pytest.approx(0)


def test_mmd_is_that_of_scikit_learns_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "BLOCK", 64)  # several blocks
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(150, 3)), rng.normal(0.5, 1, (130, 3))
    metric = distances.Mmd(left)
    inner, outer, cross = (
        rbf_kernel(*pair, 1 / metric.width) for pair in ((left, left), (right, right), (left, right))
    )
    n, m = len(left), len(right)
    expected = (inner.sum() - n) / (n * (n - 1)) + (outer.sum() - m) / (m * (m - 1)) - 2 * cross.mean()
    assert metric(right) == pytest.approx(expected)
    assert metric(right) > 0.01 > abs(metric(rng.normal(size=(150, 3))))


def test_frechet_of_gaussians_by_hand() -> None:
    """Of two diagonal covariances the roots subtract: the sum of (a_i - b_i)^2 of standard deviations."""
    corners = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]) * np.sqrt(3 / 4)  # covariance is the identity
    left, right = corners * [1.0, 2.0], corners * [3.0, 5.0] + [10.0, 0.0]
    assert distances.frechet(left, right) == pytest.approx(100 + 4 + 9)
    assert distances.frechet(left, left) == pytest.approx(0, abs=1e-9)


def test_frechet_is_that_of_the_matrix_root() -> None:
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5)), rng.normal(size=(150, 5)) + 1
    there, here = (np.cov(side, rowvar=False) for side in (left, right))
    gap = left.mean(0) - right.mean(0)
    expected = gap @ gap + np.trace(there + here - 2 * np.real(sqrtm(there @ here)))
    assert distances.frechet(left, right) == pytest.approx(expected)


def test_learned_features_repeat_themselves_and_see_a_shift() -> None:
    real, made = sides(people(0, 600), people(1, 600))
    far = sides(people(0, 600), people(1, 600, shift=20))[1]
    matrices = [points(side, real).matrix() for side in (real, made, far)]
    learned = [distances.LearnedFeatures(matrices[0]) for _ in range(2)]
    np.testing.assert_array_equal(learned[0](matrices[1]), learned[1](matrices[1]))
    assert learned[0](matrices[1]).shape == (600, 32)
    near, apart = (distances.frechet(learned[0](matrices[0]), learned[0](other)) for other in matrices[1:])
    assert near < apart / 3


# ---- neighbours


def test_nearest_in_l1_is_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    from gans.evaluation import neighbours

    monkeypatch.setattr(neighbours, "BLOCK", 7)
    queries, targets = made_points(0, 30), made_points(1, 50)
    apart = np.abs(queries.matrix()[:, None] - targets.matrix()[None]).sum(-1)
    for k in (1, 3):
        found, places = nearest_manhattan(queries, targets, k)
        np.testing.assert_allclose(found, np.sort(apart, axis=1)[:, :k], atol=1e-5)
        np.testing.assert_array_equal(places, np.argsort(apart, axis=1)[:, :k])


def test_a_row_is_its_own_nearest_at_no_distance() -> None:
    here = made_points(0, 40)
    found, places = nearest_manhattan(here, here)
    assert (found == 0).all()
    np.testing.assert_array_equal(places[:, 0], np.arange(40))


# ---- manifolds


def brute_force(real: np.ndarray, other: np.ndarray, k: int = 5) -> dict[str, float]:
    within, among, across = (
        np.linalg.norm(a[:, None] - b[None], axis=-1) for a, b in ((real, real), (other, other), (real, other))
    )
    radii, others = np.sort(within, 1)[:, k], np.sort(among, 1)[:, k]
    inside = across <= radii[:, None]
    return {
        "precision": float(inside.any(0).mean()),
        "recall": float((across <= others[None]).any(1).mean()),
        "density": float(inside.sum(0).mean() / k),
        "coverage": float(inside.any(1).mean()),
    }


def test_precision_recall_density_and_coverage_are_brute_force() -> None:
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(120, 3)), rng.normal(0.7, 0.6, (90, 3))
    assert Manifold(real).precision_recall(other) == pytest.approx(brute_force(real, other))


def test_alpha_beta_are_brute_force() -> None:
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(100, 3)), rng.normal(0.4, 1.2, (100, 3))
    alphas = np.linspace(0, 1, 30)
    across = np.linalg.norm(real[:, None] - other[None], axis=-1)
    own = np.sort(np.linalg.norm(real[:, None] - real[None], axis=-1), 1)[:, 1]
    radii = np.quantile(np.linalg.norm(real - real.mean(0), axis=1), alphas)
    precision = [(np.linalg.norm(other - real.mean(0), axis=1) <= radius).mean() for radius in radii]
    away = np.linalg.norm(other[across.argmin(1)] - other.mean(0), axis=1)
    recall = [((across.min(1) <= own) & (away <= q)).mean() for q in np.quantile(away, alphas)]
    back = across.argmin(0)
    expected = {
        "alpha_precision": 1 - np.abs(alphas - precision).sum() / alphas.sum(),
        "beta_recall": 1 - np.abs(alphas - recall).sum() / alphas.sum(),
        "authenticity": (across.min(0) > own[back]).mean(),
    }
    assert Manifold(real).alpha_beta(other) == pytest.approx(expected)


def test_a_copy_is_not_authentic_and_one_mode_covers_little() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(300, 4))
    copy = Manifold(real).alpha_beta(real)
    assert copy["authenticity"] == 0
    assert copy["beta_recall"] > 0.95
    narrow = Manifold(real).precision_recall(rng.normal(0, 0.1, (300, 4)))
    assert narrow["precision"] == 1
    assert narrow["coverage"] < 0.4


def test_expected_coverage_is_that_of_like_samples() -> None:
    rng = np.random.default_rng(0)
    found = [
        Manifold(rng.normal(size=(200, 2))).precision_recall(rng.normal(size=(200, 2)))["coverage"] for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(expected_coverage(200, 200), abs=0.01)
