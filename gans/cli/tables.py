"""Keys that commands share: the real tables of a run, and how text files are read."""

from typing import Any

from gans.cli.keys import Key, said
from gans.cli.kinds import FILE, NAMES, TEXT, TRUTH, choice
from gans.config.outline import explanations, outline
from gans.words import LANGUAGES

KINDS = {"header": TRUTH, "null_words": NAMES}
NAMED = {"formats": False, "types": True}  # whether names of columns may hold an `=`


def text_files() -> list[Key]:
    """Those of gans.data.delimited.options.TextOptions, as data.KEY."""
    lines = explanations(outline("gans.data.delimited.options", "TextOptions"))
    section = "How text files are read"
    return [
        Key(
            f"data.{name}",
            KINDS.get(name, TEXT),
            line,
            section=section,
            named=name in NAMED,
            equals=NAMED.get(name, False),
        )
        for name, line in lines.items()
    ]


def said_with_text_options() -> dict[str, Any]:
    """What stood on the command line, by key; what the data.KEY arguments say as TextOptions under "data".

    Raises:
        UserError: a value that no file can be read by.
    """
    from gans.data.delimited.options import TextOptions

    given = said()
    own = {name: given.pop(f"data.{name}") for name in TextOptions.__dataclass_fields__ if f"data.{name}" in given}
    if not own:
        return given
    options = TextOptions(**own)
    options.check_text_options()
    return given | {"data": options}


TRUST = Key(
    "trust",
    TRUTH,
    "true: also read the files named in the config of a run from another machine; only if you know who made it",
    default=False,
)
REAL_TABLES = (
    Key("test", FILE, "real rows that nothing was learned from, instead of the run's held-out rows"),
    Key("real", FILE, "the training rows, if the run's table has moved"),
    TRUST,
)
LANGUAGE = Key("language", choice(*LANGUAGES), "language of the page and the sentences; default: that of the run")
SYNTHETIC = Key("synthetic", FILE, "rows to use instead of the run's samples")
