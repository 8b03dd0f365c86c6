"""Synthetic rows beside real ones: `python -m gans.augment run=DIR target=COLUMN [out=FILE]`."""

import logging
from pathlib import Path
from typing import Any

from gans.cli.arguments import in_place_of
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import RUNS_OF, TABLE_FILE, TEXT, WHOLE, choice
from gans.cli.tables import LANGUAGE, REAL_TABLES, said_with_text_options, text_files
from gans.decisions.growth import BALANCE, GROW, check_growth
from gans.errors import UserError
from gans.words import in_language, say

log = logging.getLogger("gans")


@takes(
    Key("run", RUNS_OF, "run directory, or last", required=True),
    Key("target", TEXT, "the column that a model predicts; data.target of the run unless given", metavar="COLUMN"),
    Key(
        "how",
        choice(BALANCE, GROW),
        "balance: every class becomes as large as the largest one; grow: n more rows",
        default=BALANCE,
    ),
    Key("n", WHOLE, "rows that how=grow adds; as many as there are training rows unless given"),
    Key(
        "out",
        TABLE_FILE,
        "file for the training rows and the synthetic ones, told apart by the column `synthetic`; contains real rows",
    ),
    *REAL_TABLES,
    LANGUAGE,
    *text_files(),
    usages=("run=DIR [target=COLUMN] [how=balance|grow] [n=ROWS] [out=FILE]",),
    after="If a model gains nothing, it says so; SMOTE is measured next to it.",
)
def command(run: list[str], how: str, n: int | None, out: Path | None, **_: Any) -> None:
    """Balance the classes of a table, or grow it, and say whether a model gains by that."""
    given = said_with_text_options()
    check_growth(how, n)

    from gans.data.writing import write_rows
    from gans.decisions.added_rows import augment, augmented
    from gans.decisions.cases import open_cases
    from gans.tracking.terminal import waiting

    cases = open_cases(given)
    if len(cases) > 1:
        raise UserError(f"run={','.join(run)}: it names {len(cases)} runs; one is needed.")
    with in_language(given.get("language", cases[0].run.language)):
        with waiting("drawing rows and measuring their gain"):
            found = augment(cases[0], how, n)
        for level, (there, added) in found.counts.items():
            line = say(
                "{target} = {level}: {there:,} real rows, {added:,} synthetic ones added",
                target=cases[0].target,
                level=level,
                there=there,
                added=added,
            )
            print(line)
        for sentence in found.sentences():
            print(sentence.line())
    if out is not None:
        real, made, replaces = cases[0].tables.real.num_rows, found.rows.num_rows, in_place_of(out)
        write_rows(out, iter([augmented(cases[0], found)]), cases[0].tables.schema)
        log.info("%s real and %s synthetic rows: %s%s", f"{real:,}", f"{made:,}", out, replaces)


if __name__ == "__main__":
    main_command(command.run)
