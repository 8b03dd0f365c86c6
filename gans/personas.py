"""Segments of synthetic customers: `python -m gans.personas run=DIR k=6`."""

import logging
from typing import Any

from gans.cli.arguments import run_folder
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, RUNS_OF, WHOLE
from gans.cli.tables import LANGUAGE, REAL_TABLES, SYNTHETIC, said_with_text_options, text_files
from gans.errors import UserError
from gans.tracking.log import RESULT
from gans.words import in_language

log = logging.getLogger("gans")


@takes(
    Key("run", RUNS_OF, "run directory, or last", required=True),
    Key("k", WHOLE, "number of segments; default: the one from 2 to 10 with the lowest ICL"),
    *REAL_TABLES,
    SYNTHETIC,
    Key("out", FOLDER, "folder for personas.html and personas.csv; default: the run's directory"),
    LANGUAGE,
    *text_files(),
    usages=("run=DIR [k=6] [KEY=VALUE ...]",),
)
def command(run: list[str], k: int | None, out: str | None, **_: Any) -> None:
    """Find the personas of a run: segments of its synthetic customers."""
    given = said_with_text_options()

    from gans.decisions.cases import open_cases
    from gans.decisions.segment_traits import find_personas
    from gans.report.segment_page import print_personas, write_personas
    from gans.tracking.terminal import waiting

    cases = open_cases(given)
    if len(cases) > 1:
        raise UserError(f"run={','.join(run)}: it names {len(cases)} runs; personas are of one.")
    folder = run_folder(out, cases[0].folder)
    with in_language(given.get("language", cases[0].run.language)):
        with waiting("finding segments"):
            found = find_personas(cases[0], k)
        print_personas(found)
        folder.mkdir(parents=True, exist_ok=True)
        page = write_personas(folder, found, cases[0].run.name)
    log.log(RESULT, "%s and %s", page, folder / "personas.csv")


if __name__ == "__main__":
    main_command(command.run)
