"""Compare runs over variants, data sets and training seeds: `python -m gans.compare runs=DIR_OR_GLOB by=experiment`."""

import logging
import sys
from pathlib import Path

from gans.cli.arguments import key_values, listed, wants_help
from gans.cli.command import main_command
from gans.errors import UserError, one_of
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")

HELP = """Compare runs over variants, data sets and training seeds.

  python -m gans.compare runs=DIR_OR_GLOB [by=experiment] [KEY=VALUE ...]

  runs     run directories, folders of them, or globs, joined by commas; or wandb:ENTITY/PROJECT
  by       what makes a variant: experiment, a group such as objective, or any key such as optimizer.learning_rate
  metrics  scores, the first one drawn, as in metrics=[xgb_c2st,tstr]; a usual choice of those that all runs have
  budget   steps or seconds: a comparison at unequal ones says so; none
  out      folder for the tables, figures and the page; `comparison` unless given

First `python -m gans.evaluate run=DIR members=all draws=3` for each run: its scores are taken, of every seed. Without
it the scores are those against held-out rows in training.
"""

KEYS: dict[str, type] = dict.fromkeys(("runs", "by", "metrics", "budget", "out"), str)


def main() -> int:
    """Read the runs, compare, print, write."""
    if wants_help(HELP):
        return 0
    given = key_values(sys.argv[1:], KEYS)
    if "runs" not in given:
        raise UserError("runs is not set; usage: python -m gans.compare runs=DIR_OR_GLOB by=experiment")
    folder = Path(given.get("out", "comparison")).expanduser()

    from gans.comparison.comparison import BUDGETS, compare
    from gans.comparison.output import write
    from gans.comparison.sources import read_runs
    from gans.comparison.tables import terminal
    from gans.config.components import load_components
    from gans.locks import locked

    one_of("budget", given.get("budget", "steps"), BUDGETS)
    load_components()  # plugins may bring metrics
    metrics = listed(given.get("metrics", ""))
    found = compare(read_runs(given["runs"]), given.get("by", "experiment"), metrics, given.get("budget", "steps"))
    print(terminal(found))
    with locked(folder, "out", make=True):
        write(found, folder)
    log.info("%s", folder / "comparison.html")
    return 0


if __name__ == "__main__":
    set_up_log()
    main_command(main)
