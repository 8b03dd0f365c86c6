"""Events of a simulated shop: `python -m gans.simulate customers=2000 out=FOLDER`."""

import logging
import time
from collections.abc import Iterator

from gans.cli.arguments import output_folder
from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, WHOLE

log = logging.getLogger("gans")


@takes(
    Key(
        "customers",
        WHOLE,
        "number of customers; each has about 140 events, and memory does not grow with them",
        required=True,
    ),
    Key("out", FOLDER, "an empty folder", required=True),
    Key("seed", WHOLE, "the same seed gives the same events", default=0),
    usages=("customers=2000 out=FOLDER [seed=0]",),
    after="gans/data/simulator.py describes what causes what in the events.",
)
def command(customers: int, out: str, seed: int = 0) -> None:
    """Simulate a shop: customers.parquet, orders.parquet, views.parquet, social.parquet. No customer is real."""
    from gans.data.simulator import Events, simulate, write_events
    from gans.tracking.terminal import progress_bar, watched

    chunks = simulate(customers, seed)
    folder = output_folder(out, empty=True)
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with progress_bar("customers", watched()) as bar:
        task = bar.add_task("simulated", total=customers)

        def counted() -> Iterator[Events]:
            for chunk in chunks:
                yield chunk
                bar.advance(task, chunk["customers"].num_rows)

        rows = write_events(folder, counted())
    shown = ", ".join(f"{count:,} rows of {name}" for name, count in rows.items())
    log.info("simulated, not real: %s in %s, %.0f s", shown, folder, time.monotonic() - began)


if __name__ == "__main__":
    main_command(command.run)
