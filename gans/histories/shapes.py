"""How logs are learned, written beside what was learned."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from gans.artefacts import read_json, reading
from gans.data.events.chains import Chain, Field, Shape
from gans.errors import UserError
from gans.files import write_text


def write_shapes(path: Path, shapes: list[Shape]) -> None:
    """Write how the logs are learned, as JSON."""
    write_text(path, json.dumps([dataclasses.asdict(shape) for shape in shapes], indent=1) + "\n")


def read_shapes(path: Path) -> list[Shape]:
    """Read what `write_shapes` wrote.

    Raises:
        UserError: the file is missing or damaged, or an earlier version wrote it, whose chains know something else.
    """
    with reading(path, "the shapes of logs"):
        found = read_json(path, "the shapes of logs")
        if any("negative_if" not in field for one in found for field in one["events"]["fields"]):
            raise UserError("an earlier version made this run; train it again")
        return [_shape(one) for one in found]


def _shape(found: dict[str, Any]) -> Shape:
    people = tuple(map(_field, found["people"]))
    lines = _chain(found["lines"]) if found["lines"] else None
    own = {"people": people, "events": _chain(found["events"]), "lines": lines, "left_out": tuple(found["left_out"])}
    return Shape(**{**found, **own})


def _field(found: dict[str, Any]) -> Field:
    return Field(**{**found, "levels": tuple(found["levels"]), "product": tuple(found["product"])})


def _chain(found: dict[str, Any]) -> Chain:
    nested = {key: tuple(map(tuple, found[key])) for key in ("opening", "adding_up")}
    return Chain(**{**found, "fields": tuple(map(_field, found["fields"])), **nested})
