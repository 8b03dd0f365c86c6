"""Draft the declaration of a table's columns: `python -m gans.domain data=NAME [data.KEY=VALUE ...] out=FILE.yaml`."""

import logging
import sys
from pathlib import Path

from gans.cli.arguments import key_values, wants_help
from gans.cli.command import main_command
from gans.errors import DONE, UserError, one_of
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")

HELP = """Draft the declaration of a table's columns, which a private run needs.

  python -m gans.domain data=table data.path=customers.csv out=customers.yaml

A draft is read off the rows, so it is not private: a run refuses it. Replace each level, bound and edge by what is
known without the rows, then remove the line 'draft: true'. What the keys mean: docs/privacy.md.

  private=true   leaves levels of text, and edges of bins, to the run, which asks for them with noise and pays out of
                 its budget; kinds, bounds and coded levels are left to you

Other keys are those of gans.train, such as data.drop=[name].
"""

HEAD = """# A DRAFT, READ OFF THE ROWS: it is not private, and a private run refuses it. Replace every level, bound,
# edge and point by what is known without the rows (the form that was filled in, a handbook), then remove the next line.
draft: true
"""


def main() -> int:
    """Read the table, draft, write."""
    if wants_help(HELP):
        return DONE
    own = [argument for argument in sys.argv[1:] if argument.startswith(("out=", "private="))]
    given = key_values(own, {"out": str, "private": str})
    one_of("private", given.get("private", "false"), ("true", "false"))
    if "out" not in given:
        raise UserError("out is not set; usage: python -m gans.domain data=table data.path=FILE out=FILE.yaml")
    out = Path(given["out"]).expanduser()
    if out.suffix not in (".yaml", ".yml"):
        raise UserError(f"out={out}: a .yaml file is needed.")
    if not out.parent.is_dir():
        raise UserError(f"out={out}: there is no folder {out.parent}.")

    from gans.config.compose import compose
    from gans.data.detection import detect, normalise
    from gans.data.domain_draft import draft_domain

    source = compose([argument for argument in sys.argv[1:] if argument not in own]).data
    table = normalise(source.read())
    schema = detect(table, source.fixed_kinds(), source.drop, source.handling())
    domain = draft_domain(table, schema, given.get("private") == "true")
    domain.write(out, HEAD)
    log.info("%s: a draft of %s columns; go through it, then remove 'draft: true'", out, len(domain.columns))
    return DONE


if __name__ == "__main__":
    set_up_log()
    main_command(main)
