"""Time zones of every library, for JSON and for Arrow."""

import datetime
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from gans.data.frames.arrow import NotLearnableError

LIBRARIES = ("zoneinfo", "pytz", "dateutil", "datetime")


def zone_to_json(zone: Any) -> dict[str, Any]:
    """A zone as its library and its name, or its offset from UTC in seconds.

    Raises:
        NotLearnableError: the library is not known.
    """
    library = type(zone).__module__.split(".")[0]
    if library not in LIBRARIES:
        raise NotLearnableError(f"time zones of {library} cannot be stored; convert it to one of zoneinfo")
    name = _name(zone)
    if name is not None:
        return {"library": library, "name": name}
    return {"library": library, "seconds": _seconds(zone)}


def zone_from_json(stored: dict[str, Any]) -> Any:
    """What `zone_to_json` wrote; of zoneinfo or datetime where its library is not installed here."""
    library, name = stored["library"], stored.get("name")
    try:
        if library == "pytz":
            pytz = import_module("pytz")
            return pytz.timezone(name) if name else pytz.FixedOffset(stored["seconds"] // 60)
        if library == "dateutil":
            tz = import_module("dateutil.tz")
            return tz.UTC if name == "UTC" else tz.gettz(name) if name else tz.tzoffset(None, stored["seconds"])
    except ImportError:
        pass
    if name == "UTC" and library == "datetime":
        return datetime.UTC
    return ZoneInfo(name) if name else datetime.timezone(datetime.timedelta(seconds=stored["seconds"]))


def zone_name(zone: Any) -> str:
    """The zone as Arrow writes it: a name, or an offset such as +05:30; UTC where that has seconds."""
    name = _name(zone)
    if name is not None:
        return name
    minutes, rest = divmod(_seconds(zone), 60)
    sign = "-" if minutes < 0 else "+"
    return "UTC" if rest else f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _name(zone: Any) -> str | None:
    """Its name in the database of zones; None for an offset."""
    if zone is datetime.UTC or type(zone).__name__ == "tzutc":
        return "UTC"
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if name is None and (path := getattr(zone, "_filename", None)):  # of dateutil
        name = str(path).rpartition("zoneinfo/")[2]
    return name


def _seconds(zone: Any) -> int:
    """The offset from UTC.

    Raises:
        NotLearnableError: it changes over time.
    """
    offsets = [zone.utcoffset(datetime.datetime(2024, month, 1)) for month in (1, 7)]
    if offsets[0] is None or offsets[0] != offsets[1]:
        raise NotLearnableError(f"the time zone {zone} has no name; convert it to one of zoneinfo")
    return int(offsets[0].total_seconds())
