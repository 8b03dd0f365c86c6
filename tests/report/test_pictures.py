"""Grids of images, and points of both sides."""

import numpy as np
import pyarrow as pa

from gans.data.detection import detect, normalise
from gans.data.pictures import image_table
from gans.report.figures import metric_curves, render
from gans.report.pictures import pictures

RNG = np.random.default_rng(0)


def test_images_are_drawn_twelve_a_row_as_they_are() -> None:
    images = RNG.integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)
    table = normalise(image_table(images, {"label": np.array(["a", "b"] * 10)}))
    schema = detect(table, {})
    figure = pictures(table, table.slice(0, 15), schema)["Generated images"]
    drawn = [axes for axes in figure.axes if axes.images]
    assert (len(figure.axes), len(drawn)) == (24, 15)
    low, high = schema.images[0].bounds or (0, 1)
    shown = np.asarray(drawn[3].images[0].get_array())
    np.testing.assert_allclose(shown, (images[3, ..., 0] - low) / (high - low), rtol=1e-5)
    assert render(figure, "png")[:4] == b"\x89PNG"


def test_points_of_both_sides_lie_on_the_axes_of_the_real_ones() -> None:
    real = pa.table({"x": RNG.normal(size=50), "y": RNG.normal(size=50)})
    wide = pa.table({"x": 9 * RNG.normal(size=50), "y": RNG.normal(size=50)})
    schema = detect(real, {})
    left, right = pictures(real, wide, schema)["Points"].axes
    assert left.get_xlim() == right.get_xlim()
    assert len(left.collections[0].get_offsets()) == 50
    assert pictures(real.append_column("z", real["x"]), real, detect(real.append_column("z", real["x"]), {})) == {}


def test_further_metrics_have_a_curve_with_what_real_rows_have() -> None:
    history = [{"step": step, "holdout/score": 0.5, "holdout/fid": 9.0 - step} for step in (1, 2, 3)]
    curves = metric_curves(history, {"fid": 2.5}, {"fid": 1_200})
    assert list(curves) == ["FID (1,200 rows)"]
    lines = curves["FID (1,200 rows)"].axes[0].lines
    np.testing.assert_array_equal(lines[0].get_ydata(), [8, 7, 6])
    assert set(lines[1].get_ydata()) == {2.5}
