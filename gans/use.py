"""What a run is good for: `python -m gans.use scenario=marketing|risk|product|research|privacy run=DIR`."""

import logging
import sys
from typing import Any

from gans.cli.arguments import key_values, listed, output_folder, run_folder, take_text_options, wants_help
from gans.cli.command import main_command
from gans.errors import UserError, one_of
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")

HELP = """Put synthetic customers to one of five uses, beside real rows alone.

  python -m gans.use scenario=marketing run=DIR [target=COLUMN] [positive=LEVEL] [cost=1] [margin=10]
  python -m gans.use scenario=risk run=DIR [target=COLUMN] [positive=LEVEL] [shortages=[0.2,0.05]] [steps=N]
  python -m gans.use scenario=product run=DIR of=COLUMN by=COLUMN [where="CONDITION"]
  python -m gans.use scenario=research run=DIR [target=COLUMN] [positive=LEVEL] [k=SEGMENTS]
  python -m gans.use scenario=privacy run=DIR [secrets=[COLUMN,...]]

  run        run directory of gans.train; several, parted by commas or a pattern such as runs/tabular/*, that differ in
             their seed give intervals over seeds, too
  target     the column that is asked about; of a run its data.target
  positive   the level of the target that counts as yes; of two the rarer one unless given
  cost       of a contact, and margin of a response, in one currency
  shortages  shares of the bad training cases that are kept; each trains the run's generator anew on the smaller table,
             for so many steps, those of the run unless given
  of, by     the column of a preference, and the column of the segments
  where      a what-if condition, as gans.sample has it
  k          number of segments; that of the least ICL unless given
  secrets    columns that an attacker would like to know
  test       real rows that nothing was learnt from, in place of the run's held-out ones
  real       the rows that were trained on, where the run's table has moved
  trust      true: read what the config of a run names that was not made on this machine, because you know who made it
  synthetic  rows in place of the run's samples
  out        folder for use_SCENARIO.html and .json; of one run its directory, else `uses`
"""

SCENARIOS = ("marketing", "risk", "product", "research", "privacy")
KEYS: dict[str, Any] = dict.fromkeys(
    ("scenario", "target", "positive", "of", "by", "where", "test", "real", "synthetic", "out", "trust"), str
) | {"run": listed, "shortages": listed, "secrets": listed, "cost": float, "margin": float, "k": int, "steps": int}
OWN = {
    "marketing": ("positive", "cost", "margin"),
    "risk": ("positive", "shortages", "steps"),
    "product": ("of", "by", "where"),
    "research": ("positive", "k"),
    "privacy": ("secrets",),
}


def main() -> int:
    """Read the arguments, ask, print, write."""
    if wants_help(HELP):
        return 0
    options, arguments = take_text_options(sys.argv[1:])
    given = options | key_values(arguments, KEYS)
    if "scenario" not in given:
        raise UserError(f"scenario is not set; allowed are {', '.join(SCENARIOS)}.")
    scenario = given["scenario"]
    one_of("scenario", scenario, SCENARIOS)
    every = {key for keys in OWN.values() for key in keys}
    if foreign := sorted((every - set(OWN[scenario])) & set(given)):
        raise UserError(f"{foreign[0]}={given[foreign[0]]}: scenario={scenario} takes {', '.join(OWN[scenario])}.")

    from gans.decisions.cases import open_cases
    from gans.decisions.scenarios import answer_of, draw
    from gans.report.answers import print_answer, write_answer

    cases = open_cases(given)
    folder = run_folder(given, cases[0].folder) if len(cases) == 1 else output_folder(given.get("out") or "uses")
    answer = answer_of(scenario, cases, given)
    print_answer(answer)
    folder.mkdir(parents=True, exist_ok=True)
    log.info("%s", write_answer(folder, answer, draw(answer)))
    return 0


if __name__ == "__main__":
    set_up_log()
    main_command(main)
