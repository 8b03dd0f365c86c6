"""A column of images: pixels to scalars in [-1, 1] and back."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.detection import image_text
from gans.data.schema import Column, arrow_type
from gans.errors import UserError


@dataclass
class FittedImage:
    """A column of images, which all have one shape; its pixels are scalars, linear between the column's bounds."""

    column: Column

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        height, width, channels = arrow_type(self.column.type).shape  # pyright: ignore[reportAttributeAccessIssue]
        return height, width, channels

    @property
    def pixels(self) -> int:
        """Scores of an image."""
        return math.prod(self.shape)

    def encode(self, array: pa.ChunkedArray) -> np.ndarray:
        """Scores [rows, pixels] float32.

        Raises:
            UserError: the images are missing or of another shape than those of the training table.
        """
        return 2 * brightness(array, self.column).reshape(len(array), -1) - 1

    def decode(self, scalars: np.ndarray) -> pa.Array:
        """The images of scalars [rows, pixels], cut to the bounds."""
        low, high = self.column.bounds or (0, 1)
        values = low + (np.clip(scalars, -1, 1) + 1) / 2 * (high - low)
        kind: Any = arrow_type(self.column.type)
        number = kind.value_type.to_pandas_dtype()
        values = np.rint(values) if np.issubdtype(number, np.integer) else values
        images = values.astype(number).reshape(len(scalars), *self.shape)
        return pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(images))


def brightness(array: pa.ChunkedArray, column: Column) -> np.ndarray:
    """The images of a column [rows, height, width, channels] float32, its bounds at 0 and 1.

    Raises:
        UserError: they are missing or of another shape.
    """
    if image_text(array.type) != column.type or array.null_count:
        found = f"{array.type}, {array.null_count} missing"
        raise UserError(f"column '{column.name}': {column.type} is needed in every row; found {found}.")
    low, high = column.bounds or (0, 1)
    whole: Any = array.combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    return ((whole.to_numpy_ndarray().astype(np.float32) - low) / (high - low)).astype(np.float32)
