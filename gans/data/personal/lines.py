"""What is said of personal data in a table, in the terminal and on the page of a run."""

from gans.data.personal.kinds import label
from gans.data.schema import Column, Schema
from gans.words import say


def left_out_lines(schema: Schema) -> list[str]:
    """Columns that are left out, made up or only said, a line each sort, with the keys that change it."""
    dropped = [column for column in schema.columns if column.role == "dropped" and column.personal]
    faked = [column for column in schema.columns if column.role == "faked"]
    said = [column for column in schema.features if column.personal == "birth"]
    out = []
    if dropped:
        text = say(
            "PERSONAL DATA left out: {names}. data.keep=[COLUMN] learns a column anyway, data.fake=[COLUMN] fills it "
            "with made-up values, data.personal.COLUMN=none marks it as not personal.",
            names=_named(dropped),
        )
        out.append(text)
    if faked:
        text = say(
            "PERSONAL DATA made up in sampled rows: {names}. These columns are not learned.", names=_named(faked)
        )
        out.append(text)
    if said:
        text = say(
            "PERSONAL DATA that is learned: {names}. data.drop=[COLUMN] leaves a column out.", names=_named(said)
        )
        out.append(text)
    return out


def kept_lines(schema: Schema) -> list[str]:
    """A warning that names the columns that are learned although they hold personal data; none without any."""
    kept = [column for column in schema.features if column.personal not in ("", "birth")]
    if not kept:
        return []
    text = say(
        "PERSONAL DATA is learned, as data.keep says: {names}. Sampled rows may contain real values.",
        names=_named(kept),
    )
    return [text]


def _named(columns: list[Column]) -> str:
    return say(", ").join(
        say("{name} ({kind})", name=column.name, kind=say(label(column.personal))) for column in columns
    )
