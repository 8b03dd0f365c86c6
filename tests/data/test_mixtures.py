"""Toy distributions in the plane."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gans.data.mixtures import Disjoint, Drawing, Grid, Line, Moons, Plane, Ring
from gans.errors import UserError
from gans.evaluation.metrics import TrainingJudge, all_metrics
from gans.evaluation.mixtures import mode_coverage


def points(source: Plane) -> np.ndarray:
    table = source.read()
    return np.stack([table["x"].to_numpy(), table["y"].to_numpy()], axis=1)


@pytest.mark.parametrize("source", [Ring(rows=4_000), Grid(rows=4_000)])
def test_a_mixture_covers_its_own_modes(source: Ring | Grid) -> None:
    found = mode_coverage(points(source), source.modes(), source.sigma)
    assert found["modes"] == len(source.modes())
    np.testing.assert_allclose(found["high_quality"], 1 - np.exp(-4.5), atol=0.005)  # of a Gaussian in the plane
    assert found["reverse_kl"] < 0.01


def test_the_modes_are_those_of_pacgan() -> None:
    np.testing.assert_allclose(np.linalg.norm(Ring().modes(), axis=1), 1)
    np.testing.assert_allclose(Ring().modes()[0], [1, 0])
    assert sorted(map(tuple, Grid().modes())) == [(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)]


def test_the_schema_of_a_split_knows_the_modes_and_the_metric_reads_them(tmp_path: Path) -> None:
    split = Grid(rows=1_000).split()
    split.schema.write(tmp_path / "schema.json")
    schema = type(split.schema).read(tmp_path / "schema.json")
    assert all_metrics()["modes"].lacks(schema) == ""
    assert all_metrics()["modes"].lacks(Moons(rows=100).split().schema)
    scores = TrainingJudge(["modes"], split.holdout, schema)(split.training)
    assert scores["modes"] == 25


def test_the_same_seed_draws_the_same_points() -> None:
    np.testing.assert_array_equal(points(Moons(rows=50)), points(Moons(rows=50)))
    assert not np.allclose(points(Moons(rows=50)), points(Moons(rows=50, split_seed=1)))


def test_a_drawing_is_as_dense_as_it_is_dark(tmp_path: Path) -> None:
    pixels = np.full((2, 2), 255, np.uint8)
    pixels[0, 1], pixels[1, 0] = 0, 170  # the upper right three times as dark as the lower left
    Image.fromarray(pixels).save(tmp_path / "drawn.png")
    drawn = points(Drawing(path=str(tmp_path / "drawn.png"), rows=8_000))
    right, up = drawn[:, 0] > 0.5, drawn[:, 1] > 0.5
    assert (right == up).all()
    np.testing.assert_allclose((right & up).mean(), 0.75, atol=0.02)


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    Image.new("RGBA", (3, 3)).save(tmp_path / "clear.png")
    cases = {"": "data.path is not set", "none.png": "no such file", "clear.png": "white all over"}
    for name, message in cases.items():
        with pytest.raises(UserError, match=message):
            Drawing(path=str(tmp_path / name) if name else "").read()
    with pytest.raises(UserError, match=r"data\.sigma=0"):
        Ring(sigma=0)


def test_a_line_and_discs_lie_where_they_should() -> None:
    line = points(Line(rows=20_000, noise=0.1))
    across = (line[:, 0] - line[:, 1]) / np.sqrt(2)
    assert np.std(across) == pytest.approx(0.1, rel=0.05)
    assert np.std(line.sum(axis=1) / 2) == pytest.approx(np.sqrt(1 / 3 + 0.1**2 / 2), rel=0.02)
    discs = points(Disjoint(rows=20_000, radius=0.3))
    centre = np.where(discs.sum(axis=1, keepdims=True) > 0, 1.0, -1.0)
    out = np.linalg.norm(discs - centre, axis=1)
    assert out.max() <= 0.3
    assert np.mean(out < 0.3 / np.sqrt(2)) == pytest.approx(0.5, abs=0.02)  # uniform: half of the area
    assert np.mean(centre > 0) == pytest.approx(0.5, abs=0.02)
