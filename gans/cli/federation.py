"""The keys federated.* of commands that train over sites."""

import dataclasses

from gans.cli.keys import Key, said
from gans.cli.kinds import TEXT
from gans.config.names import unquoted
from gans.config.outline import explanations, outline


def federation_keys() -> list[Key]:
    """Those of gans.federated.settings.Federation, which reads their texts itself."""
    kind = outline("gans.federated.settings", "Federation")
    lines = explanations(kind)
    return [
        Key(f"federated.{field.name}", TEXT, lines[field.name], section="How sites train", default=str(field.default))
        for field in dataclasses.fields(kind)
    ]


def said_settings() -> dict[str, str]:
    """What stood on the command line of federated.*, by the last part of the key."""
    given = {key.partition("."): text for key, text in said().items()}
    return {name: unquoted(text) for (top, _, name), text in given.items() if top == "federated"}
