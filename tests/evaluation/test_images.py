from pathlib import Path

import numpy as np
import pytest

from gans.errors import UserError
from gans.evaluation.digits import digits, digits_network
from gans.evaluation.images import features, image_scores, inception_score, kid, read_network
from gans.evaluation.mixtures import mode_coverage


def ring(modes: int = 8) -> np.ndarray:
    angle = 2 * np.pi * np.arange(modes) / modes
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_modes_by_hand() -> None:
    modes = np.array([[0.0, 0], [10, 0], [0, 10], [10, 10]])
    points = np.array([[0.0, 0.1], [0, 0.29], [0.5, 0], [10, 0], [9, 9], [10, 0.3]])
    found = mode_coverage(points, modes, 0.1)
    shares = np.array([3, 2, 1]) / 6
    assert found == pytest.approx(
        {"modes": 2, "high_quality": 4 / 6, "reverse_kl": float((shares * np.log(shares * 4)).sum())}
    )


def test_a_sample_of_the_mixture_covers_it() -> None:
    rng = np.random.default_rng(0)
    modes = ring()
    points = modes[rng.integers(0, 8, 4_000)] + rng.normal(0, 0.01, (4_000, 2))
    found = mode_coverage(points, modes, 0.01)
    assert found["modes"] == 8
    assert found["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.005)  # within three of two dimensions
    assert found["reverse_kl"] < 0.005
    collapsed = mode_coverage(points[:50] * 0 + modes[3], modes, 0.01)
    assert collapsed == pytest.approx({"modes": 1, "high_quality": 1, "reverse_kl": np.log(8)})
    with pytest.raises(ValueError, match="no points"):
        mode_coverage(np.zeros((0, 2)), modes, 0.01)


def test_the_network_knows_digits_that_it_has_not_seen() -> None:
    images, classes = digits()
    held = np.arange(len(images)) % 5 == 0
    there, chances = digits_network()(images[held])
    assert there.shape == (held.sum(), 64)
    assert (chances.argmax(1) == classes[held]).mean() > 0.95
    with pytest.raises(ValueError, match="8, 8, 1"):
        digits_network()(np.zeros((2, 9, 9, 1)))


def test_scores_of_digits_fall_with_noise() -> None:
    images, _ = digits()
    network, rng = digits_network(), np.random.default_rng(0)
    order = rng.permutation(len(images))
    real, like = images[order[:800]], images[order[800:1600]]
    noisy = np.clip(like + rng.normal(0, 0.4, like.shape), 0, 1)
    good, bad = (image_scores(real, other, network) for other in (like, noisy))
    assert good["fid"] < bad["fid"] / 5
    assert abs(good["kid"]) < bad["kid"] / 10
    assert 7 < good["inception_score"] <= 10
    assert bad["inception_score"] < good["inception_score"]
    one = image_scores(real, np.repeat(like[:1], 100, axis=0), network)
    assert one["inception_score"] == pytest.approx(1, abs=1e-4)


def test_kid_is_its_formula_where_all_images_are_drawn() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(40, 3)), rng.normal(1, 1, (40, 3))

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / 3 + 1) ** 3

    def off(side: np.ndarray) -> float:
        inner = kernel(side, side)
        return (inner.sum() - np.trace(inner)) / (40 * 39)

    assert kid(left, right) == pytest.approx(off(left) + off(right) - 2 * kernel(left, right).mean())


def test_inception_score_by_hand() -> None:
    sure = np.eye(4)[np.arange(40) % 4]
    assert inception_score(sure) == pytest.approx(4)
    assert inception_score(np.full((40, 4), 0.25)) == pytest.approx(1)


def test_features_go_in_blocks() -> None:
    seen = []

    def network(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(len(images))
        return images.reshape(len(images), -1), np.ones((len(images), 2)) / 2

    images = np.random.default_rng(0).random((600, 2, 2, 1))
    there, chances = features(images, network)
    assert seen == [250, 250, 100]
    np.testing.assert_array_equal(there, images.reshape(600, 4))
    assert chances.shape == (600, 2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.jit
def test_networks_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"network=no\.pt: no such file"):
        read_network("no.pt")
    (tmp_path / "bad.pt").write_text("nothing")
    with pytest.raises(UserError, match=r"bad\.pt"):
        read_network(str(tmp_path / "bad.pt"))
    with pytest.raises(ValueError, match="of a shape"):
        image_scores(np.zeros((3, 8, 8, 1)), np.zeros((3, 9, 9, 1)), digits_network())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.jit
def test_a_torchscript_file_of_the_users(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Pooled(torch.nn.Module):
        def forward(self, images: torch.Tensor, return_features: bool = False) -> torch.Tensor:  # type: ignore[name-defined]
            means = images.float().mean(dim=[2, 3]) / 255
            return means if return_features else torch.softmax(means, 1)

    torch.jit.script(Pooled()).save(str(tmp_path / "pooled.pt"))
    images = np.random.default_rng(0).random((5, 4, 4, 1)).astype(np.float32)
    there, chances = read_network(str(tmp_path / "pooled.pt"))(images)
    np.testing.assert_allclose(there, np.repeat(images.mean((1, 2)), 3, axis=1), atol=2e-3)
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-6)
