"""What is said of personal data in a table, in the terminal and on the page of a run."""

from gans.data.personal.kinds import label
from gans.data.schema import Column, Schema


def left_out_lines(schema: Schema) -> list[str]:
    """Columns that are left out, made up or only said, a line each sort, with the keys that change it."""
    dropped = [column for column in schema.columns if column.role == "dropped" and column.personal]
    faked = [column for column in schema.columns if column.role == "faked"]
    said = [column for column in schema.features if column.personal == "birth"]
    out = []
    if dropped:
        out.append(
            f"PERSONAL DATA left out: {_named(dropped)}. data.keep=[COLUMN] learns a column anyway, "
            "data.fake=[COLUMN] fills it with made-up values, data.personal.COLUMN=none marks it as not personal."
        )
    if faked:
        out.append(f"PERSONAL DATA made up in sampled rows: {_named(faked)}. These columns are not learned.")
    if said:
        out.append(f"PERSONAL DATA that is learned: {_named(said)}. data.drop=[COLUMN] leaves a column out.")
    return out


def kept_lines(schema: Schema) -> list[str]:
    """A warning that names the columns that are learned although they hold personal data; none without any."""
    kept = [column for column in schema.features if column.personal not in ("", "birth")]
    if not kept:
        return []
    return [f"PERSONAL DATA is learned, as data.keep says: {_named(kept)}. Sampled rows may contain real values."]


def _named(columns: list[Column]) -> str:
    return ", ".join(f"{column.name} ({label(column.personal)})" for column in columns)
