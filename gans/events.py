"""Event histories of synthetic customers: `python -m gans.events run=DIR n=1000 reference=2025-01-01 out=FOLDER`."""

import logging
import sys

from gans.cli.arguments import key_values, output_folder, require, wants_help
from gans.cli.command import main_command
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")

HELP = """Draw synthetic profiles from a run of data=profiles, and an event history for each.

  python -m gans.events run=DIR n=1000 out=FOLDER [reference=DATE] [where="CONDITION"] [seed=0]

  run        run directory of gans.train on profiles
  n          customers
  out        an empty folder: customers, orders, views, social as .parquet files, as far as the profiles have them, and
             events.html, which says how far the events keep to the profiles
  reference  the date of the profiles, up to which events go; of a run its data.reference
  where      what profiles may hold, as gans.sample has it
  seed       of the profiles and the events
"""

KEYS = {"run": str, "n": int, "out": str, "reference": str, "where": str, "seed": int}


def main() -> int:
    """Read the arguments, draw profiles and events, check these, write."""
    if wants_help(HELP):
        return 0
    given = key_values(sys.argv[1:], KEYS)
    require(given, ("run", "n", "out"), "python -m gans.events run=DIR n=1000 out=FOLDER")
    folder = output_folder(given["out"], empty=True)

    from gans.decisions.event_histories import draw_histories
    from gans.files import write_table
    from gans.findings.histories import history_sentences
    from gans.report.history_page import write_histories
    from gans.runs.saved import SavedRun

    found = draw_histories(
        SavedRun.open(given["run"]), given["n"], given.get("reference"), given.get("where", ""), given.get("seed", 0)
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in found.events.items():
        write_table(folder / f"{name}.parquet", table)
    for sentence in history_sentences(found.kept):
        print(sentence.line())
    counts = ", ".join(f"{table.num_rows:,} {name}" for name, table in found.events.items())
    log.info("%s and %s", counts, write_histories(folder, found.kept, found.method))
    return 0


if __name__ == "__main__":
    set_up_log()
    main_command(main)
