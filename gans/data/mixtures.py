"""Toy distributions in the plane, on which it can be seen whether a generator finds all modes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from gans.artefacts import check_picture
from gans.data.base import Source
from gans.errors import UserError, in_range
from gans.registry import register


@dataclass(kw_only=True)
class Plane(Source):
    """Points (x, y), drawn by split_seed.

    Attributes:
        rows: how many.
    """

    relations: list[str] = field(default_factory=list)
    rows: int = 100_000

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.rows", self.rows, 4)

    def points(self, rng: np.random.Generator) -> np.ndarray:
        """Points [rows, 2]."""
        raise NotImplementedError(f"{type(self).__name__} draws no points")

    def read(self) -> pa.Table:
        """The table [rows, 2]."""
        points = self.points(np.random.default_rng(self.split_seed))
        return pa.table({"x": points[:, 0], "y": points[:, 1]})


@dataclass(kw_only=True)
class Mixture(Plane):
    """Gaussians of one standard deviation, all as likely.

    Attributes:
        sigma: the standard deviation of each.
    """

    sigma: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.sigma", self.sigma, 0, open_low=True)

    def modes(self) -> np.ndarray:
        """Their centres [modes, 2]."""
        raise NotImplementedError(f"{type(self).__name__} has no modes")

    def mixture(self) -> dict[str, Any]:
        """What a score of covered modes needs."""
        return {"modes": self.modes().tolist(), "sigma": self.sigma}

    def points(self, rng: np.random.Generator) -> np.ndarray:
        """Points [rows, 2] about the centres."""
        modes = self.modes()
        return modes[rng.integers(0, len(modes), self.rows)] + self.sigma * rng.standard_normal((self.rows, 2))


@register("data", "ring")
@dataclass(kw_only=True)
class Ring(Mixture):
    """Modes on a circle, by default those of PacGAN's table 1 (Lin et al. 2017, arXiv:1712.04086): 8, radius 1.

    Attributes:
        count: of the modes.
        radius: of the circle.
    """

    self_contained: ClassVar[bool] = True

    count: int = 8
    radius: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.count", self.count, 1)
        in_range("data.radius", self.radius, 0, open_low=True)

    def modes(self) -> np.ndarray:
        """Evenly on the circle, from (radius, 0) on."""
        angles = 2 * np.pi * np.arange(self.count) / self.count
        return self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


@register("data", "grid")
@dataclass(kw_only=True)
class Grid(Mixture):
    """Modes on a square grid about 0, by default those of PacGAN's table 1: 25, a spacing of 2, sigma .05.

    Attributes:
        side: modes of a side.
        spacing: between two of them.
    """

    self_contained: ClassVar[bool] = True

    sigma: float = 0.05
    side: int = 5
    spacing: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.side", self.side, 1)
        in_range("data.spacing", self.spacing, 0, open_low=True)

    def modes(self) -> np.ndarray:
        """Row by row."""
        ticks = self.spacing * (np.arange(self.side) - (self.side - 1) / 2)
        return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


@register("data", "moons")
@dataclass(kw_only=True)
class Moons(Plane):
    """Two half circles that reach into each other, by scikit-learn, with noise.

    Attributes:
        noise: standard deviation of what is added.
    """

    self_contained: ClassVar[bool] = True

    noise: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.noise", self.noise, 0)

    def points(self, rng: np.random.Generator) -> np.ndarray:
        """Points [rows, 2]."""
        from sklearn.datasets import make_moons

        made: Any = make_moons(self.rows, noise=self.noise, random_state=int(rng.integers(2**31)))
        return made[0]


@register("data", "line")
@dataclass(kw_only=True)
class Line(Plane):
    """A segment of the diagonal, from (-1, -1) to (1, 1), uniform, with noise.

    Attributes:
        noise: standard deviation of what is added to x and to y.
    """

    self_contained: ClassVar[bool] = True

    noise: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.noise", self.noise, 0)

    def points(self, rng: np.random.Generator) -> np.ndarray:
        """Points [rows, 2]."""
        along = rng.uniform(-1, 1, (self.rows, 1))
        return along + self.noise * rng.standard_normal((self.rows, 2))


@register("data", "disjoint")
@dataclass(kw_only=True)
class Disjoint(Plane):
    """Two discs about (-1, -1) and (1, 1), uniform, as likely: distributions that do not touch.

    Attributes:
        radius: of each.
    """

    self_contained: ClassVar[bool] = True

    radius: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("data.radius", self.radius, 0, open_low=True)

    def points(self, rng: np.random.Generator) -> np.ndarray:
        """Points [rows, 2]."""
        angle, out = 2 * np.pi * rng.random(self.rows), self.radius * np.sqrt(rng.random(self.rows))
        centre = rng.choice([-1.0, 1.0], (self.rows, 1))
        return centre + (out * np.stack([np.cos(angle), np.sin(angle)])).T


@register("data", "drawing")
@dataclass(kw_only=True)
class Drawing(Plane):
    """A density that someone drew: points as dense as an image is dark, x and y between 0 and 1, y upwards.

    Attributes:
        path: the image, such as a PNG; transparent is white.
    """

    path: str = ""

    def points(self, rng: np.random.Generator) -> np.ndarray:
        """Points [rows, 2].

        Raises:
            UserError: the file is missing, no image, or white all over.
        """
        if not self.path:
            raise UserError("data.path is not set: data=drawing needs data.path=IMAGE.png.")
        dark = 255 - read_image(Path(self.path).expanduser(), "data.path", 1)[..., 0].astype(float)
        if not dark.any():
            raise UserError(f"data.path={self.path}: the image is white all over; there is nothing to draw from.")
        return drawn_points(dark, self.rows, rng)


def drawn_points(density: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Points [rows, 2] as dense as a picture [height, width] says, uniform within pixels, y upwards, between 0 and 1.

    Args:
        density: at least 0, and not 0 everywhere.
    """
    height, width = density.shape
    pixels = rng.choice(density.size, rows, p=density.ravel() / density.sum())
    inside = rng.random((rows, 2))
    return np.stack([(pixels % width + inside[:, 0]) / width, 1 - (pixels // width + inside[:, 1]) / height], axis=1)


def read_image(path: Path, key: str, channels: int) -> np.ndarray:
    """An image file as bytes [height, width, channels], 1 or 3 of them, on white where it is transparent.

    Raises:
        UserError: the file is missing or no image; the message names `key`.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:  # which reads the size only
            check_picture(f"{key}={path}", image.size)
            solid = Image.new("RGBA", image.size, "white")
            solid.alpha_composite(image.convert("RGBA"))
            pixels = np.asarray(solid.convert("RGB" if channels == 3 else "L"))
    except FileNotFoundError:
        raise UserError(f"{key}={path}: no such file.") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{key}={path}: not a readable image ({error}).") from None
    return pixels.reshape(*pixels.shape[:2], channels)
