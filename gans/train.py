"""Train a variant: `python -m gans.train [+experiment=NAME] [GROUP=NAME] [KEY=VALUE ...]`, `-m` for a multirun."""

import contextlib
import os
import sys
from pathlib import Path

from gans.cli.command import main_command
from gans.tracking.log import set_up_log

MULTIRUN = {"-m", "--multirun"}


def main() -> int:
    """Compose, run, and give the exit status: 0 done, 2 a user's mistake, 3 diverged, 130 interrupted and saved."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        from gans.cli.usage import usage

        print(usage())
        return 0
    if "--list" in sys.argv[1:]:
        from gans.cli.usage import lines

        print(lines("experiment"), end="")
        return 0
    import hydra

    from gans.config.components import conf_folder
    from gans.config.compose import hydra_errors, load_schemas, read_overrides
    from gans.config.names import unquoted
    from gans.locks import locked
    from gans.sweeps.jobs import Jobs, end_sweep

    os.environ["HYDRA_FULL_ERROR"] = "1"
    load_schemas()
    typed = sys.argv[1:]
    flags = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    multirun = bool(MULTIRUN & set(flags))
    overrides = read_overrides([argument for argument in sys.argv[1:] if argument not in flags], multirun)
    sweep = None
    if multirun:
        from gans.runs.directory import new_folder
        from gans.sweeps.records import SWEEPS

        given = [
            unquoted(argument.split("=", 1)[1]) for argument in overrides if argument.startswith("hydra.sweep.dir=")
        ]
        sweep = Path(given[-1]) if given else new_folder(SWEEPS)
        overrides += [] if given else [f"hydra.sweep.dir={sweep}"]
    sys.argv[1:] = flags + overrides
    jobs = Jobs(sweep, typed)
    try:
        one = contextlib.nullcontext() if sweep is None else locked(sweep, "hydra.sweep.dir", make=True)
        with hydra_errors(), one:
            hydra.main(config_path=str(conf_folder()), config_name="train", version_base="1.3")(jobs)()
    finally:
        status = jobs.status if sweep is None else end_sweep(sweep)
    if jobs.mistake is not None:
        raise jobs.mistake
    return status


if __name__ == "__main__":
    set_up_log()
    main_command(main)
