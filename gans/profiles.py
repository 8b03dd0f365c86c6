"""Profiles of customers as a file: `python -m gans.profiles data.orders=FILE ... out=profiles.parquet`."""

import logging
import sys

from gans.cli.arguments import output_file, wants_help
from gans.cli.command import main_command
from gans.errors import UserError
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")

HELP = """Make one row a customer of event logs, and write them.

  python -m gans.profiles data.orders=FILE [data.views=FILE] [data.social=FILE] [data.customers=FILE] out=FILE
  python -m gans.profiles data=online_retail data.root=FOLDER out=FILE.csv|.parquet

The keys of data are those of `python -m gans.train data=profiles`; the key of a customer is the first column. What each
feature means, its unit and what a missing value means are printed.
"""


def main() -> int:
    """Read the arguments, make the profiles, write them, print what they hold."""
    arguments = sys.argv[1:]
    if wants_help(HELP):
        return 0
    outs = [argument.removeprefix("out=") for argument in arguments if argument.startswith("out=")]
    if len(outs) != 1:
        raise UserError("out is not set, or twice; usage: python -m gans.profiles data.orders=FILE out=FILE.parquet")
    out = output_file(outs[0])

    from gans.config.compose import compose
    from gans.data.customer_profiles import Profiles
    from gans.data.writing import write_rows

    given = [argument for argument in arguments if not argument.startswith("out=")]
    chosen = any(argument.startswith("data=") for argument in given)
    source = compose(given if chosen else ["data=profiles", *given]).data
    if not isinstance(source, Profiles):
        raise UserError("data: it makes no profiles; allowed are data=profiles and data=online_retail.")
    table, features = source.profiles()
    write_rows(out, iter([table]))
    width = max(len(feature.name) for feature in features)
    for feature in features:
        print(f"{feature.name:{width}}  {feature.text} [{feature.unit}; missing: {feature.missing}]")
    log.info("%s", out)
    return 0


if __name__ == "__main__":
    set_up_log()
    main_command(main)
