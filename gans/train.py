"""Train a variant: `python -m gans.train [+experiment=NAME] [GROUP=NAME] [KEY=VALUE ...]`, `-m` for a multirun."""

import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gans.cli.command import main_command
from gans.cli.keys import KeysCommand, takes
from gans.cli.kinds import choice
from gans.cli.overrides import complete_overrides, found_runs
from gans.cli.usage import lines, usage
from gans.errors import DONE

log = logging.getLogger("gans")

SHOWN = ("job", "hydra", "all")
TOLD = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
FLAGS = [
    click.Option(["-m", "--multirun"], is_flag=True, help="one run for each combination of comma-separated values"),
    click.Option(["--list", "listed"], is_flag=True, help="list the experiments; `gans list GROUP` for others"),
    click.Option(["-c", "--cfg"], type=choice(*SHOWN), metavar="job", help="print the config as YAML, and run nothing"),
    click.Option(["-p", "--package"], metavar="KEY", help="with --cfg: only this part, such as network"),
    click.Option(["--resolve"], is_flag=True, help="with --cfg: replace ${...} by what it refers to"),
    click.Option(
        ["-i", "--info"],
        type=choice(*TOLD),
        metavar="WHAT",
        is_flag=False,
        flag_value="all",
        help=f"print what Hydra knows: {', '.join(TOLD)}",
    ),
    click.Option(
        ["-cd", "--config-dir"], metavar="FOLDER", help="another folder like conf/, whose files can be chosen too"
    ),
    click.Option(["--hydra-help"], is_flag=True, help="show Hydra's own help"),
]


def explain(ctx: click.Context, arguments: list[str]) -> str:
    """The help: all keys, or with arguments those of the run that they describe."""
    formatter = ctx.make_formatter()
    if isinstance(ctx.command, KeysCommand):
        ctx.command.format_options(ctx, formatter)
    return f"{usage(ctx.command_path, arguments)}\n{formatter.getvalue().rstrip()}"


@takes(
    flags=FLAGS,
    others="a setting of the run and its value",
    complete=complete_overrides,
    explain=explain,
    usages=("[+experiment=NAME] [GROUP=NAME ...] [KEY=VALUE ...]",),
)
def command(
    multirun: bool,
    listed: bool,
    cfg: str | None,
    package: str | None,
    resolve: bool,
    info: str | None,
    config_dir: str | None,
    hydra_help: bool,
    others: list[str],
) -> int:
    """Train a GAN variant on a table."""
    if listed:
        print(lines("experiment"), end="")
        return DONE
    from gans.config.overrides import implied, read_overrides

    overrides = read_overrides(found_runs(implied(others)), multirun)
    valued = {"--cfg": cfg, "--package": package, "--info": info, "--config-dir": config_dir}
    flags = [word for flag, value in valued.items() if value for word in (flag, value)]
    flags += [flag for flag, value in {"--resolve": resolve, "--hydra-help": hydra_help}.items() if value]
    if cfg or info or hydra_help:
        from gans.config.schemas import outlined

        with outlined():
            call_hydra([*flags, *overrides], lambda config: None)
        return DONE
    if not (multirun or config_dir):
        from gans.config.overrides import first_look

        first_look(overrides, files=True)  # a mistake is found before JAX is imported
    log.debug("settings as Hydra takes them: %s", " ".join(overrides))
    return train(overrides, flags, multirun, [*flags, *others])


def train(overrides: list[str], flags: list[str], multirun: bool = False, typed: Sequence[str] = ()) -> int:
    """Train what overrides describe; 0 done, 2 a user's mistake, 3 diverged, 130 interrupted and saved.

    Args:
        overrides: as `read_overrides` gives them.
        flags: of Hydra.
        multirun: whether commas part the values of a sweep.
        typed: the arguments of the call, as the user gave them.

    Raises:
        UserError: they describe no run, or it cannot be made.
    """
    from gans.config.names import unquoted
    from gans.config.schemas import load_schemas
    from gans.locks import locked
    from gans.sweeps.jobs import Jobs, end_sweep

    load_schemas()
    sweep = None
    if multirun:
        from gans.runs.directory import new_folder
        from gans.sweeps.records import SWEEPS

        given = [
            unquoted(argument.split("=", 1)[1]) for argument in overrides if argument.startswith("hydra.sweep.dir=")
        ]
        sweep = Path(given[-1]) if given else new_folder(SWEEPS)
        overrides = [*overrides, *([] if given else [f"hydra.sweep.dir={sweep}"])]
        flags = [*flags, "--multirun"]
    jobs = Jobs(sweep, typed)
    try:
        with contextlib.nullcontext() if sweep is None else locked(sweep, "hydra.sweep.dir", make=True):
            call_hydra([*flags, *overrides], jobs)
    finally:
        status = jobs.status if sweep is None else end_sweep(sweep)
    if jobs.error is not None:
        raise jobs.error
    return status


def call_hydra(arguments: list[str], job: Any) -> None:
    """Let Hydra read arguments, and call a job with each config that they describe.

    Raises:
        UserError: they describe none.
    """
    import hydra

    from gans.config.components import conf_folder
    from gans.config.overrides import hydra_errors

    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv[1:] = arguments
    with hydra_errors():
        hydra.main(config_path=str(conf_folder()), config_name="train", version_base="1.3")(job)()


if __name__ == "__main__":
    main_command(command.run)
