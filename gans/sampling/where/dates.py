"""Dates and times that `where` names in the way of the table's own file, such as '31.01.2024'."""

import datetime
import re
from collections.abc import Mapping

from gans.data.schema import Schema
from gans.sampling.where.literals import TIME

Formats = Mapping[str, str]
"""By column a format of strftime."""

CLOCK = re.compile(r"[\sT,]*%-?[HI].*", re.DOTALL)


def date_formats(schema: Schema) -> Formats:
    """The formats of the columns whose dates or times are not written as ISO text in the file or the frame."""
    found = {one.name: one.format or (one.written or {}).get("format", "") for one in schema.columns}
    return {name: pattern for name, pattern in found.items() if pattern}


def iso_time(text: str, pattern: str) -> str:
    """A time that is written by a format, or by its part of the day alone, as ISO text; any other text as it is."""
    if TIME.fullmatch(text):
        return text
    form = pattern.replace("%-", "%")
    for one, day in ((form, CLOCK.search(form) is None), (CLOCK.sub("", form), True)):
        try:
            when = datetime.datetime.strptime(text, one)
        except ValueError:
            continue
        return when.date().isoformat() if day else when.isoformat()
    return text
