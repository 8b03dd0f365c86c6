"""Draft the declaration of a table's columns: `python -m gans.domain data=NAME [data.KEY=VALUE ...] out=FILE.yaml`."""

import logging
from pathlib import Path

from gans.cli.arguments import in_place_of
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, TRUTH
from gans.cli.overrides import complete_overrides
from gans.errors import UserError

log = logging.getLogger("gans")

MARK = "draft: true"
HEAD = f"""\
# A DRAFT, READ OFF THE ROWS: it is not private, and a private run refuses it. Replace every level, bound, edge and
# point by what is known without the rows (the form that was filled in, a handbook), and say in `source` where it is
# known from. Points are values that more than a tenth of the rows have; a point stays only if it is known that many
# customers have it, such as a balance of 0. Then delete this comment, together with the line below it.
{MARK}
"""


@takes(
    Key("out", FILE, ".yaml file for the draft", required=True),
    Key(
        "private",
        TRUTH,
        "true: the run finds levels of text and edges of bins itself, with noise, and pays for them from its budget; "
        "kinds, bounds, points and coded levels remain for you to declare",
        default=False,
    ),
    others="as in gans train, such as data.drop=[name]",
    complete=complete_overrides,
    usages=("data=table data.path=customers.csv out=customers.yaml",),
    after="A draft is read from the rows and therefore not private: a run refuses it. Replace each level, bound, edge "
    "and point by what is known without the rows, then delete the comment and the line 'draft: true'. A file without "
    "that line is not replaced. docs/privacy.md explains the keys.",
)
def command(out: str, private: bool, others: list[str]) -> None:
    """Draft the declaration of a table's columns, which a private run needs."""
    path = Path(out).expanduser()
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(f"out={path}: a .yaml file is needed.")
    if not path.parent.is_dir():
        raise UserError(f"out={path}: there is no folder {path.parent}.")
    if path.is_file() and MARK not in path.read_text(encoding="utf-8", errors="replace").splitlines():
        raise UserError(
            f"out={path}: the file is there and is no draft (it lacks the line '{MARK}'); choose another file, or "
            "remove it first."
        )

    from gans.config.compose import compose
    from gans.config.overrides import implied
    from gans.data.detection import detect, normalise
    from gans.data.domain_draft import draft_domain
    from gans.runs.calls import Call

    source = compose(implied(others)).data
    table = normalise(source.read())
    schema = detect(table, source.fixed_kinds(), source.drop, source.handling())
    domain = draft_domain(table, schema, private)
    replaces = in_place_of(path)
    domain.write(path, HEAD)
    log.info("%s%s: a draft of %s columns", path, replaces, len(domain.columns))
    for name in domain.drop:
        column = schema[name]
        why = f"it is constant, {column.reason}" if column.role == "constant" else column.reason
        log.info("left out: column '%s', %s", name, why)
    log.info("go through the draft, delete its comment together with the line '%s', and train with:", MARK)
    overrides = ["+experiment=dp_marginals", "privacy.epsilon=1", *others, f"privacy.domain={path}"]
    log.info("  %s", Call("gans train", overrides).line())


if __name__ == "__main__":
    main_command(command.run)
