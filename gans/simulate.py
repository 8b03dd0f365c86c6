"""Events of a simulated shop: `python -m gans.simulate customers=2000 out=FOLDER`."""

import logging
import sys
import time
from collections.abc import Iterator

from gans.cli.arguments import key_values, output_folder, require, wants_help
from gans.cli.command import main_command
from gans.tracking.log import set_up_log

log = logging.getLogger("gans")

HELP = """Simulate a shop: customers.parquet, orders.parquet, views.parquet, social.parquet. No customer is real.

  python -m gans.simulate customers=2000 out=FOLDER [seed=0]

What causes what in them is written in gans/data/simulator.py. A customer has about 140 events; memory does not grow
with their number.
"""


def main() -> int:
    """Read the arguments, simulate, write the files."""
    if wants_help(HELP):
        return 0
    given = key_values(sys.argv[1:], {"customers": int, "out": str, "seed": int})
    require(given, ("customers", "out"), "python -m gans.simulate customers=2000 out=FOLDER")

    from gans.data.simulator import Events, simulate, write_events
    from gans.tracking.terminal import progress_bar, watched

    chunks = simulate(given["customers"], given.get("seed", 0))
    folder = output_folder(given["out"], empty=True)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with progress_bar("customers", watched()) as bar:
        task = bar.add_task("simulated", total=given["customers"])

        def counted() -> Iterator[Events]:
            for chunk in chunks:
                yield chunk
                bar.advance(task, chunk["customers"].num_rows)

        rows = write_events(folder, counted())
    shown = ", ".join(f"{count:,} rows of {name}" for name, count in rows.items())
    log.info("simulated, not real: %s in %s, %.0f s", shown, folder, time.monotonic() - began)
    return 0


if __name__ == "__main__":
    set_up_log()
    main_command(main)
