"""What a run is good for: `python -m gans.use scenario=marketing|risk|product|research|privacy run=DIR`."""

import logging
from typing import Any

from gans.cli.arguments import output_folder, run_folder
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, NAMES, NUMBER, RUNS_OF, TEXT, WHOLE, choice
from gans.cli.tables import REAL_TABLES, SYNTHETIC, said_with_text_options, text_files
from gans.decisions.scenario_options import SCENARIOS, check_scenario

log = logging.getLogger("gans")


@takes(
    Key("scenario", choice(*SCENARIOS), "the use", required=True),
    Key(
        "run",
        RUNS_OF,
        "run directory of gans train; several, parted by commas or a pattern such as runs/tabular/*, that differ in "
        "their seed give intervals over seeds, too",
    ),
    Key("target", TEXT, "the column that is asked about; of a run its data.target"),
    Key("positive", TEXT, "the level of the target that counts as yes; of two the rarer one unless given"),
    Key("cost", NUMBER, "of marketing: of a contact", default=1.0),
    Key("margin", NUMBER, "of marketing: of a response, in the currency of the cost", default=10.0),
    Key(
        "shortages",
        NAMES,
        "of risk: shares of the bad training cases that are kept, as in [0.2,0.05]; each trains the run's generator "
        "anew on the smaller table",
    ),
    Key("steps", WHOLE, "of risk: for so many steps, those of the run unless given"),
    Key("of", TEXT, "of product: the column of a preference", metavar="COLUMN"),
    Key("by", TEXT, "of product: the column of the segments", metavar="COLUMN"),
    Key("where", TEXT, "of product: a what-if condition, as gans sample has it", metavar="CONDITION"),
    Key("k", WHOLE, "of research: number of segments; that of the least ICL unless given"),
    Key("secrets", NAMES, "of privacy: columns that an attacker would like to know"),
    *REAL_TABLES,
    SYNTHETIC,
    Key("out", FOLDER, "folder for use_SCENARIO.html and .json; of one run its directory, else `uses`"),
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
    """Put synthetic customers to one of five uses, beside real rows alone."""
    given = said_with_text_options()
    check_scenario(given)

    from gans.decisions.cases import open_cases
    from gans.decisions.scenarios import answer_of, draw
    from gans.report.answers import print_answer, write_answer

    cases = open_cases(given)
    out = given.get("out")
    folder = run_folder(out, cases[0].folder) if len(cases) == 1 else output_folder(out or "uses")
    answer = answer_of(scenario, cases, given)
    print_answer(answer)
    folder.mkdir(parents=True, exist_ok=True)
    log.info("%s", write_answer(folder, answer, draw(answer)))


if __name__ == "__main__":
    main_command(command.run)
