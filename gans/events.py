"""Event histories of synthetic customers: `python -m gans.events run=DIR n=1000 reference=2025-01-01 out=FOLDER`."""

import logging
import sys
from pathlib import Path

from gans.command import key_values, output_folder, require, run_command, set_up_log, wants_help
from gans.errors import UserError

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
    folder, run_dir = output_folder(given["out"], empty=True), Path(given["run"]).expanduser()
    if not run_dir.is_dir():
        raise UserError(f"run={given['run']}: no such folder.")

    import numpy as np

    from gans.data import histories
    from gans.data.profiles import Profiles
    from gans.files import write_table
    from gans.report.histories import history_sentences, write_histories
    from gans.sampling import load_sampler

    sampler, run = load_sampler(run_dir)
    if not isinstance(run.data, Profiles):
        raise UserError(
            f"run={given['run']}: its table was not made of events; data=profiles or online_retail is needed."
        )
    text = given.get("reference") or run.data.reference
    if not text:
        raise UserError("reference is not set, and the run has no data.reference; write reference=2025-01-31.")
    try:
        reference = np.datetime64(text, "D")
    except ValueError:
        raise UserError(f"reference={text}: a date is needed, as in reference=2025-01-31.") from None
    if reference > np.datetime64("today"):
        raise UserError(f"reference={text}: it is in the future; events end on the day before it.")
    seed = given.get("seed", 0)
    run.trainer.prepare_cache()
    profiles = sampler.sample(given["n"], seed, given.get("where", ""))
    events = histories.histories(profiles, reference, run.data.windows, seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in events.items():
        write_table(folder / f"{name}.parquet", table)
    sources = {name: str(folder / f"{name}.parquet") for name, table in events.items() if table.num_rows}
    again, _ = Profiles(**sources, reference=str(reference), windows=run.data.windows, levels=100).profiles()  # pyright: ignore[reportArgumentType]
    found = histories.kept(profiles, again)
    for sentence in history_sentences(found):
        print(sentence.line())
    log.info("%s and %s", ", ".join(f"{table.num_rows:,} {name}" for name, table in events.items()),
             write_histories(folder, found, histories.__doc__ or ""))  # fmt: skip
    return 0


if __name__ == "__main__":
    set_up_log()
    sys.exit(run_command(main))
