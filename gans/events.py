"""Event histories of synthetic customers: `python -m gans.events run=DIR n=1000 reference=2025-01-01 out=FOLDER`.

A run of data=histories draws the events that it has learned, as gans.sample does; from a run of profiles they follow by
rules.
"""

import logging

from gans.cli.arguments import output_folder
from gans.cli.command import main_command
from gans.cli.histories import draw_customers, is_run_of_histories
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, RUN, TEXT, WHOLE
from gans.cli.tables import LANGUAGE
from gans.errors import UserError
from gans.words import in_language

log = logging.getLogger("gans")


@takes(
    Key(
        "run",
        RUN,
        "run directory of data=histories (whose events are learned) or data=profiles, or last",
        required=True,
    ),
    Key("n", WHOLE, "number of customers", required=True),
    Key(
        "out",
        FOLDER,
        "empty folder for customers, orders, views and social as .parquet files, as far as the run has them; of "
        "profiles also for events.html, which shows how well the events match the profiles",
        required=True,
    ),
    Key(
        "reference",
        TEXT,
        "date of the profiles, at which the events end; data.reference of the run unless given; learned events end "
        "when their log did",
        metavar="DATE",
    ),
    Key("where", TEXT, "condition on the profiles, as in gans sample", default="", metavar="CONDITION"),
    Key("seed", WHOLE, "seed of the profiles and the events", default=0),
    LANGUAGE,
    usages=('run=DIR n=1000 out=FOLDER [reference=DATE] [where="CONDITION"] [seed=0]',),
)
def command(
    run: str,
    n: int,
    out: str,
    reference: str | None = None,
    where: str = "",
    seed: int = 0,
    language: str | None = None,
) -> None:
    """Draw synthetic customers and an event history for each."""
    if is_run_of_histories(run):
        if reference is not None:
            raise UserError(f"reference={reference}: run={run} has learned its events, which end when its logs did.")
        draw_customers(run, out, n, None, where, seed, "1/1")
        return
    folder = output_folder(out, empty=True)

    from gans.decisions.event_histories import draw_histories
    from gans.files import write_table
    from gans.findings.histories import history_sentences
    from gans.report.history_page import write_histories
    from gans.runs.saved import SavedRun
    from gans.tracking.terminal import waiting

    saved = SavedRun.open(run)
    with waiting("drawing histories"):
        found = draw_histories(saved, n, reference, where, seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in found.events.items():
        write_table(folder / f"{name}.parquet", table)
    counts = ", ".join(f"{table.num_rows:,} {name}" for name, table in found.events.items())
    with in_language(language or saved.run.language):
        for sentence in history_sentences(found.kept):
            print(sentence.line())
        log.info("%s and %s", counts, write_histories(folder, found.kept, found.method))


if __name__ == "__main__":
    main_command(command.run)
