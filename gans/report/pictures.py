"""Figures to look at: generated images, and points in the plane."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from gans.data.codecs.images import brightness
from gans.data.schema import Column, Schema
from gans.report.figures import INK, REAL, SYNTHETIC, TEXT, style
from gans.words import say

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACROSS, DOWN = 12, 8
MOST_POINTS = 2_000


def pictures(training: pa.Table, synthetic: pa.Table, schema: Schema) -> dict[str, "Figure"]:
    """Figures by title: of images the generated ones; of tables of two numbers both sides as points; else none."""
    if schema.images:
        return {say("Generated images"): image_grid(synthetic, schema.images[0])}
    numbers = [column.name for column in schema.features if column.kind == "numeric"]
    if len(numbers) == len(schema.features) == 2:
        return {say("Points"): plane(training, synthetic, numbers)}
    return {}


def image_grid(table: pa.Table, column: Column) -> "Figure":
    """The first 96 images of a table, twelve a row."""
    from matplotlib.figure import Figure

    images = brightness(table[column.name].slice(0, ACROSS * DOWN), column)
    down = -(-len(images) // ACROSS)
    figure = Figure(figsize=(0.7 * ACROSS, 0.7 * down), layout="constrained")
    every = figure.subplots(down, ACROSS, squeeze=False).ravel()
    for axes in every:
        axes.set_axis_off()
    for axes, image in zip(every, images, strict=False):
        grey = image.shape[-1] == 1
        shown = image[..., 0] if grey else image[..., :3]
        axes.imshow(shown, cmap="gray" if grey else None, vmin=0, vmax=1, interpolation="nearest")
    return figure


def plane(training: pa.Table, synthetic: pa.Table, names: list[str]) -> "Figure":
    """At most 2,000 real and 2,000 synthetic points side by side, on the axes of the real ones."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    sides = {"real": (training, REAL), "synthetic": (synthetic, SYNTHETIC)}
    points = {
        name: np.stack([table[column].slice(0, MOST_POINTS).to_numpy() for column in names], axis=1)
        for name, (table, _) in sides.items()
    }
    low, high = np.nanmin(points["real"], axis=0), np.nanmax(points["real"], axis=0)
    margin = (high - low) / 10
    for axes, (name, (_, color)) in zip(figure.subplots(1, 2), sides.items(), strict=True):
        style(axes)
        axes.scatter(*points[name].T, s=2, color=color, linewidths=0)
        axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
        axes.set_title(say(name), fontsize=TEXT, color=INK, loc="left")
    return figure
