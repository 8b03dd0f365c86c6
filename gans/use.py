"""What a run is good for: `python -m gans.use scenario=marketing|risk|product|research|privacy run=DIR`."""

import contextlib
import logging
from typing import Any

from gans.cli.arguments import output_folder, run_folder
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, NAMES, NUMBER, RUNS_OF, TEXT, WHOLE, choice
from gans.cli.tables import LANGUAGE, REAL_TABLES, SYNTHETIC, said_with_text_options, text_files
from gans.decisions.scenario_options import SCENARIOS, check_scenario
from gans.tracking.log import RESULT
from gans.words import in_language

log = logging.getLogger("gans")


@takes(
    Key("scenario", choice(*SCENARIOS), "which use", required=True),
    Key(
        "run",
        RUNS_OF,
        "run directory, or last; several that differ in their seed, separated by commas or as a pattern such as "
        "runs/tabular/*, also give intervals over seeds",
    ),
    Key("target", TEXT, "the column in question; default: data.target of the run"),
    Key("positive", TEXT, "the level of the target that counts as yes; default: the rarer of two"),
    Key("cost", NUMBER, "marketing: cost of a contact", default=1.0),
    Key("margin", NUMBER, "marketing: gain from a response, in the same currency", default=10.0),
    Key(
        "shortages",
        NAMES,
        "risk: shares of the bad training cases to keep, as in [0.2,0.05]; for each, the run's generator is trained "
        "again on the smaller table",
    ),
    Key("steps", WHOLE, "risk: training steps for that; default: those of the run"),
    Key("of", TEXT, "product: the column of the preference", metavar="COLUMN"),
    Key("by", TEXT, "product: the column of the segments", metavar="COLUMN"),
    Key("where", TEXT, "product: a what-if condition, as in gans sample", metavar="CONDITION"),
    Key("k", WHOLE, "research: number of segments; default: the one with the lowest ICL"),
    Key("secrets", NAMES, "privacy: columns that an attacker would like to know"),
    *REAL_TABLES,
    SYNTHETIC,
    Key("out", FOLDER, "folder for use_SCENARIO.html and .json; the directory of a single run, or else `uses`"),
    LANGUAGE,
    *text_files(),
    usages=(
        "scenario=marketing run=DIR [target=COLUMN] [positive=LEVEL] [cost=1] [margin=10]",
        "scenario=risk run=DIR [target=COLUMN] [positive=LEVEL] [shortages=[0.2,0.05]] [steps=N]",
        'scenario=product run=DIR of=COLUMN by=COLUMN [where="CONDITION"]',
        "scenario=research run=DIR [target=COLUMN] [positive=LEVEL] [k=SEGMENTS]",
        "scenario=privacy run=DIR [secrets=[COLUMN,...]]",
    ),
)
def command(scenario: str, **_: Any) -> None:
    """Put synthetic customers to one of five uses, compared with real rows alone."""
    given = said_with_text_options()
    check_scenario(given)

    from gans.decisions.cases import open_cases
    from gans.decisions.scenarios import answer_of, draw
    from gans.report.answers import print_answer, write_answer
    from gans.tracking.terminal import waiting

    cases = open_cases(given)
    out = given.get("out")
    folder = run_folder(out, cases[0].folder) if len(cases) == 1 else output_folder(out or "uses")
    trains = scenario == "risk"  # whose runs have bars of their own
    with in_language(given.get("language", cases[0].run.language)):
        with contextlib.nullcontext() if trains else waiting(f"asking about {scenario}"):
            answer = answer_of(scenario, cases, given)
        print_answer(answer)
        folder.mkdir(parents=True, exist_ok=True)
        log.log(RESULT, "%s", write_answer(folder, answer, draw(answer)))


if __name__ == "__main__":
    main_command(command.run)
