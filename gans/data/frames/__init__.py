"""Frames of pandas and polars and tables of Arrow as tables to learn from, and sampled tables as frames like them.

A column that a codec cannot learn as it stands (a duration, a period, a category of dates) becomes one that it can, and
`Column.frame` in the schema says what brings it back. `Schema.frame` has the library and the names of the columns.
"""

from gans.data.frames.frame import Frame, learnable_where, library_of, read_frame, text_name, to_frame
from gans.data.frames.texts import read_times, table_like
from gans.data.frames.times import text_of, times_of

__all__ = [
    "Frame",
    "learnable_where",
    "library_of",
    "read_frame",
    "read_times",
    "table_like",
    "text_name",
    "text_of",
    "times_of",
    "to_frame",
]
