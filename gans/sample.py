"""Draw rows: `python -m gans.sample run=DIR n=1000 out=FILE.csv|.parquet [where="column == value"] [part=2/8]`.

Of a run of histories `out` is a folder, for customers and their events.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gans.cli.arguments import in_place_of, output_file
from gans.cli.command import main_command
from gans.cli.histories import HISTORIES, draw_customers, is_run_of_histories
from gans.cli.keys import Key, said, takes
from gans.cli.kinds import FILE, ROWS, RUN, TEXT, TRUTH, WHOLE
from gans.cli.parts import needed, part_of
from gans.data.formats import check_writable
from gans.errors import UserError
from gans.runs.find import no_such_run

if TYPE_CHECKING:
    from gans.data.schema import Schema

log = logging.getLogger("gans")

MOST_NAMED = 5
HOW = re.compile(r" \(data\.[^)]*\)$")  # of a reason: how to have the column nevertheless, in another training
PARTS = re.compile(r"(?:`[^`]*`|'[^']*'|\"[^\"]*\"|[^;])+")  # of a list separated by ; but within quotes


@takes(
    Key("run", RUN, "run directory, the beginning of its name, or last", required=True),
    Key("n", WHOLE, "number of rows, such as 10_000_000 or 1e7; memory does not grow with it"),
    Key(
        "out",
        ROWS,
        "a .parquet, .csv, .jsonl or .xlsx file, text also with .gz or .zst; columns, types and missing values are "
        "those of the training table; of a run of histories an empty folder, for customers and each log as .parquet",
        required=True,
    ),
    Key(
        "customers",
        FILE,
        "of a run of histories: a table of customers who get events, instead of n new ones; columns that it lacks are "
        "drawn",
    ),
    Key(
        "where",
        TEXT,
        "what columns may hold, as in \"age >= 30 and age < 45 and segment in ('a', 'b')\"; a column name with spaces "
        "goes in backticks",
        default="",
    ),
    Key(
        "relations",
        TEXT,
        'further relations that the rows must satisfy, separated by ;, as in "start <= end; total = a + b"',
        default="",
    ),
    Key(
        "refine",
        TRUTH,
        "false: rows as the generator makes them, without the run's refinement; faster",
        default=True,
    ),
    Key(
        "seed", WHOLE, "the same seed gives the same rows; the first rows of a longer draw are a shorter one", default=0
    ),
    Key(
        "part",
        TEXT,
        "2/8 writes the second of eight parts, for several processes; joined in order, they are the whole draw",
        default="1/1",
    ),
    Key(
        "member",
        WHOLE,
        "which seed of a run with several, from 0; default: the best one, the only one that is refined",
    ),
    Key(
        "croissant",
        TRUTH,
        "true: OUT.croissant.json next to the rows describes them for catalogues and loaders (Croissant, JSON-LD): "
        "columns, checksum, how they were drawn, what is known of their privacy",
        default=False,
    ),
    usages=(
        'run=DIR n=1000 out=FILE [where="column == value and ..."] [KEY=VALUE ...]',
        "run=HISTORIES n=1000 out=FOLDER [customers=FILE] [where=...] [seed=0] [part=1/8]",
    ),
)
def command(
    run: str,
    out: str,
    n: int | None = None,
    customers: str | None = None,
    where: str = "",
    relations: str = "",
    refine: bool = True,
    seed: int = 0,
    part: str = "1/1",
    member: int | None = None,
    croissant: bool = False,
) -> None:
    """Draw rows from a trained run."""
    if is_run_of_histories(run):
        if others := [key for key in said() if key not in HISTORIES]:
            raise UserError(f"{others[0]}: run={run} is a run of histories, which takes {', '.join(HISTORIES)}.")
        draw_customers(run, out, n, customers, where, seed, part)
        return
    if not Path(run).expanduser().is_dir():
        raise no_such_run(run)
    if customers is not None:
        raise UserError(f"customers={customers}: run={run} is no run of histories; data=histories makes one.")
    draw_rows(run, output_file(out), needed(n), where, relations, refine, seed, part, member, croissant)


def draw_rows(
    run: str,
    out: Path,
    n: int,
    where: str,
    relations: str,
    refine: bool,
    seed: int,
    part: str,
    member: int | None,
    croissant: bool,
) -> None:
    """Draw rows of a table.

    Raises:
        UserError: a value does not fit the run, or nothing can be drawn.
    """
    start, stop = part_of(part, n)
    check_writable(out, stop - start)

    from gans.data.relations import parse_relation
    from gans.runs.saved import SavedRun

    saved = SavedRun.open(run)
    held = [parse_relation(text) for text in PARTS.findall(relations)]
    sampler = saved.sampler(member)
    if not refine:
        sampler.refinement = None
    if out.suffix != ".parquet" and sampler.codec.image:
        raise UserError(f"out={out}: images go into .parquet files.")
    tables, replaces, schema = sampler.stream(n, seed, where, held, start, stop), in_place_of(out), sampler.codec.schema
    write_shown(out, tables, stop - start, schema)
    log.info("%s rows, %s: %s%s", f"{stop - start:,}", drawn_columns(schema), out, replaces)
    if left_out := why_left_out(schema):
        log.info("columns left out: %s", left_out)
    if croissant:
        from gans.report.croissant import write_croissant

        given = {key: value for key, value in said().items() if key not in ("run", "out", "croissant")}
        path = write_croissant(out, saved, stop - start, {"seed": seed} | given)
        log.info("%s: add license, creator and url before you publish the rows", path)


def drawn_columns(schema: "Schema") -> str:
    """How many columns rows have, of how many of the table, as in '6 of 7 columns'."""
    drawn, every = len(schema.sampled), len(schema.columns)
    return f"{drawn} columns" if drawn == every else f"{drawn} of {every} columns"


def why_left_out(schema: "Schema") -> str:
    """The columns that rows lack, each with its reason; of many the first ones."""
    gone = [column for column in schema.columns if column.role == "dropped"]
    named = [f"{column.name} ({HOW.sub('', column.reason)})" for column in gone[:MOST_NAMED]]
    more = [f"and {len(gone) - MOST_NAMED} more, see schema.json of the run"] if len(gone) > MOST_NAMED else []
    return ", ".join([*named, *more])


def write_shown(out: Path, tables: Iterator[Any], rows: int, schema: "Schema") -> None:
    """Write the tables, with a progress bar where a person looks on."""
    from gans.data.writing import write_rows
    from gans.tracking.terminal import progress_bar, watched

    with progress_bar("rows", watched()) as bar:
        task = bar.add_task(out.name, total=rows)

        def counted() -> Iterator[Any]:
            for table in tables:
                yield table
                bar.advance(task, table.num_rows)

        write_rows(out, counted(), schema)


if __name__ == "__main__":
    main_command(command.run)
