"""Sites as an axis of one program, against a process for each site, in the same run.

    python scripts/benchmark_federated.py sites='FOLDER/site-*.parquet' [rounds=10] [federated.KEY=VALUE] [KEY=VALUE]

Prints the seconds of the first round (in which programs are compiled) and of each later one, for both ways, and their
ratios. Both exchange and average the same arrays.
"""

import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from gans.cli.command import main_command
from gans.cli.federation import federation_keys, said_settings
from gans.cli.keys import Key, takes
from gans.cli.kinds import TEXT, WHOLE
from gans.config.compose import compose
from gans.federated.agreed import Agreed
from gans.federated.arrays import Arrays, arrays_of
from gans.federated.messages import import_flower
from gans.federated.run import agree, settled
from gans.federated.server import Sites
from gans.federated.settings import Federation
from gans.runs.files import RunFiles


def work(place: int, overrides: list[str], folder: str, end: Any) -> None:
    """A site in a process of its own: takes (round, arrays), gives arrays, until it is sent None."""
    from gans.federated.simulation import simulated_sites

    site = simulated_sites(compose(overrides))[place]
    site.show = False
    site.join(Agreed(Path(folder)))
    while (asked := end.recv()) is not None:
        number, arrays = asked
        state, metrics = site.program(
            site.begin_round(number, arrays), site.training_rows, site.known.federation.local_steps
        )
        end.send(site.end_round(number, state, metrics)[0])


def mean(sent: list[Arrays]) -> Arrays:
    """Of all sites."""
    return {path: np.mean([arrays[path] for arrays in sent], axis=0) for path in sent[0]}


def timed(rounds: int, arrays: Arrays, one: Any) -> list[float]:
    """Seconds of each round."""
    seconds = []
    for number in range(1, rounds + 1):
        began = time.perf_counter()
        arrays = mean(one(number, arrays))
        seconds.append(time.perf_counter() - began)
    return seconds


@takes(
    Key("sites", TEXT, required=True),
    Key("rounds", WHOLE, default=10),
    *federation_keys(),
    others="as in gans train",
    text=__doc__,
)
def main(sites: str, rounds: int, others: list[str], **_: str) -> int:
    """Time both ways."""
    settings = said_settings()
    import_flower()
    from gans.federated.simulation import SimulatedGrid, simulated_sites

    with tempfile.TemporaryDirectory() as folder:
        overrides = [
            *others,
            "data=sites",
            f"data.files='{sites}'",
            f"run_dir={folder}",
            "tracker.mode=disabled",
        ]
        federation = Federation.of(settings)
        run = settled(compose(overrides), federation)
        files = RunFiles(Path(folder))
        files.checkpoints.mkdir()
        those = simulated_sites(run)
        for site in those:
            site.show = False
        grid = SimulatedGrid(those)
        asked = Sites(grid, federation)
        agreed, _ = agree(run, federation, asked, files)
        asked.join(agreed)
        first = arrays_of(those[0].first, federation.shared)

        def together(number: int, arrays: Arrays) -> list[Arrays]:
            states = [site.begin_round(number, arrays) for site in those]
            after = grid.steps(states, federation.local_steps)
            return [site.end_round(number, *one)[0] for site, one in zip(those, after, strict=True)]

        axis = timed(rounds, first, together)
        context, pipes, workers = multiprocessing.get_context("spawn"), [], []
        for place in range(len(those)):
            ours, theirs = context.Pipe()
            pipes.append(ours)
            workers.append(context.Process(target=work, args=(place, overrides, folder, theirs)))
            workers[-1].start()

        def apart(number: int, arrays: Arrays) -> list[Arrays]:
            for pipe in pipes:
                pipe.send((number, arrays))
            return [pipe.recv() for pipe in pipes]

        processes = timed(rounds, first, apart)
        for pipe, worker in zip(pipes, workers, strict=True):
            pipe.send(None)
            worker.join()
    for name, part in (("first round", slice(0, 1)), ("each later round", slice(1, None)), ("all", slice(0, None))):
        ours, theirs = (float(np.mean(seconds[part])) for seconds in (axis, processes))
        if name == "all":
            ours, theirs = sum(axis), sum(processes)
        print(f"{name:<17} one program {ours:7.2f} s  processes {theirs:7.2f} s  ratio {theirs / ours:5.2f}")
    return 0


if __name__ == "__main__":
    main_command(main.run)
