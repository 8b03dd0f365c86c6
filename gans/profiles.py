"""Profiles of customers as a file: `python -m gans.profiles data.orders=FILE ... out=profiles.parquet`."""

import logging
from pathlib import Path

from gans.cli.arguments import in_place_of
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import TABLE_FILE
from gans.cli.overrides import complete_overrides
from gans.errors import UserError
from gans.notebook.names import make_callable

log = logging.getLogger("gans")


@takes(
    Key("out", TABLE_FILE, "file for the profiles, such as .parquet, .csv or .xlsx", required=True),
    others="settings of the data, as in gans train data=profiles",
    complete=complete_overrides,
    usages=(
        "data.orders=FILE [data.views=FILE] [data.social=FILE] [data.customers=FILE] out=FILE",
        "data=online_retail data.root=FOLDER out=FILE",
    ),
    after="The first column identifies the customer. The meaning of each feature, its unit and what a missing value "
    "means are printed.",
)
def command(out: Path, others: list[str]) -> None:
    """Turn event logs into one row per customer, and write them to a file."""
    from gans.config.compose import compose
    from gans.data.customer_profiles import Profiles
    from gans.data.writing import write_rows
    from gans.tracking.terminal import waiting

    chosen = any(argument.startswith("data=") for argument in others)
    source = compose(others if chosen else ["data=profiles", *others]).data
    if not isinstance(source, Profiles):
        raise UserError("data: it makes no profiles; allowed are data=profiles and data=online_retail.")
    with waiting("reading events"):
        table, features = source.profiles()
    replaces = in_place_of(out)
    write_rows(out, iter([table]))
    width = max(len(feature.name) for feature in features)
    for feature in features:
        print(f"{feature.name:{width}}  {feature.text} [{feature.unit}; missing: {feature.missing}]")
    log.info("%s%s", out, replaces)


make_callable(__name__)

if __name__ == "__main__":
    main_command(command.run)
