"""Segments of synthetic customers: `python -m gans.personas run=DIR k=6`."""

import logging
import sys
from typing import Any

from gans.cli.arguments import key_values, listed, run_folder, take_text_options, wants_help
from gans.cli.command import main_command
from gans.errors import UserError
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")

HELP = """Find the personas of a run: segments of its synthetic customers.

  python -m gans.personas run=DIR [k=6] [KEY=VALUE ...]

  run        run directory of gans.train
  k          number of segments; that of the least ICL, 2 to 10, unless given
  test       real rows that nothing was learnt from, in place of the run's held-out ones
  real       the rows that were trained on, where the run's table has moved
  trust      true: read what the config of a run names that was not made on this machine, because you know who made it
  synthetic  rows in place of the run's samples
  out        folder for personas.html and personas.csv; the run's directory unless given
"""

KEYS: dict[str, Any] = dict.fromkeys(("test", "real", "synthetic", "out", "trust"), str) | {"run": listed, "k": int}


def main() -> int:
    """Read the arguments, find the segments, print, write."""
    if wants_help(HELP):
        return 0
    options, arguments = take_text_options(sys.argv[1:])
    given = options | key_values(arguments, KEYS)

    from gans.decisions.cases import open_cases
    from gans.decisions.segment_traits import find_personas
    from gans.report.segment_page import print_personas, write_personas

    cases = open_cases(given)
    if len(cases) > 1:
        raise UserError(f"run={','.join(given['run'])}: it names {len(cases)} runs; personas are of one.")
    folder = run_folder(given, cases[0].folder)
    found = find_personas(cases[0], given.get("k"))
    print_personas(found)
    folder.mkdir(parents=True, exist_ok=True)
    log.info("%s and %s", write_personas(folder, found, cases[0].run.name), folder / "personas.csv")
    return 0


if __name__ == "__main__":
    set_up_log()
    main_command(main)
