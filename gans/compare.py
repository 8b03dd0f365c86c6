"""Compare runs over variants, data sets and training seeds: `python -m gans.compare runs=DIR_OR_GLOB by=experiment`."""

import logging
from pathlib import Path

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, NAMES, PLACES, TEXT, choice
from gans.errors import one_of
from gans.notebook.names import make_callable
from gans.tracking.log import RESULT
from gans.words import ENGLISH, LANGUAGES, in_language

log = logging.getLogger("gans")


@takes(
    Key(
        "runs",
        PLACES,
        "run directories, folders of them, or globs, joined by commas; or wandb:ENTITY/PROJECT",
        required=True,
        metavar="DIR_OR_GLOB",
    ),
    Key(
        "by",
        TEXT,
        "what is compared: experiment, a group such as objective, or any key such as optimizer.learning_rate",
        default="experiment",
    ),
    Key(
        "metrics",
        NAMES,
        "scores, of which the first is drawn, as in metrics=[xgb_c2st,tstr]; default: a usual choice",
    ),
    Key("budget", TEXT, "steps or seconds: a comparison at unequal budgets says so; or none", default="steps"),
    Key("out", FOLDER, "folder for the tables, figures and the page", default="comparison"),
    Key("language", choice(*LANGUAGES), "language of the page and the sentences", default=ENGLISH),
    usages=("runs=DIR_OR_GLOB [by=experiment] [KEY=VALUE ...]",),
    after="Run `gans evaluate run=DIR members=all draws=3` for each run first: the comparison then uses those scores, "
    "of every seed. Otherwise it uses the scores on held-out rows during training.",
)
def command(runs: str, by: str, metrics: list[str] | None, budget: str, out: str, language: str) -> int:
    """Compare runs over variants, data sets and training seeds."""
    folder = Path(out).expanduser()

    from gans.comparison.comparison import BUDGETS, compare
    from gans.comparison.output import write
    from gans.comparison.sources import read_runs
    from gans.comparison.tables import terminal
    from gans.config.components import load_components
    from gans.locks import locked
    from gans.tracking.terminal import waiting

    one_of("budget", budget, BUDGETS)
    load_components()  # plugins may bring metrics
    with in_language(language):
        with waiting("comparing runs"):
            found = compare(read_runs(runs), by, metrics or [], budget)
        print(terminal(found))
        with locked(folder, "out", make=True):
            write(found, folder)
    log.log(RESULT, "%s", folder / "comparison.html")
    return 0


make_callable(__name__)

if __name__ == "__main__":
    main_command(command.run)
