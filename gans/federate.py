"""Train over sites that share no row: `python -m gans.federate sites='data/site-*.parquet' [+experiment=NAME] ...`."""

import logging

from gans.cli.arguments import output_folder
from gans.cli.command import main_command
from gans.cli.federation import federation_keys, said_settings
from gans.cli.keys import Key, takes
from gans.cli.kinds import FOLDER, TEXT
from gans.cli.overrides import complete_overrides, found_runs
from gans.config.names import unquoted
from gans.errors import DONE, INTERRUPTED, UserError
from gans.tracking.log import RESULT

log = logging.getLogger("gans")


@takes(
    Key("sites", TEXT, "pattern of files, one table per site: sites are simulated on this machine", metavar="PATTERN"),
    Key("app", FOLDER, "folder to write the run to as a Flower app, for sites on machines of their own"),
    *federation_keys(),
    others="as in gans train; data.* describes how the files are read",
    complete=complete_overrides,
    usages=(
        "sites='data/site-*.parquet' +experiment=tabular federated.rounds=50",
        "run_dir=runs/tabular/TIME trainer.resume=true",
        "app=FOLDER +experiment=tabular federated.rounds=50",
    ),
    after="docs/federated.md describes what leaves a site.",
    needs=True,
)
def command(sites: str | None, app: str | None, others: list[str], **_: str) -> int:
    """Train across sites that share no rows."""
    from gans.federated.settings import Federation

    settings = said_settings()
    if sites is not None and app is not None:
        raise UserError(f"app={app}: each machine names its own table; leave out sites.")

    from gans.config.compose import compose

    federation = Federation.of(settings)
    named = [] if sites is None else [f"sites={sites}"]
    typed = [*named, *others, *(f"federated.{key}={value}" for key, value in settings.items())]
    others = found_runs(others)
    if app is not None:
        from gans.federated.app_folder import write_app

        compose(others)  # what does not compose is refused here, not at the server
        print(write_app(output_folder(unquoted(app), empty=True), others, settings))
        return DONE
    chosen = [argument.partition("=")[2] for argument in others if argument.lstrip("+").startswith("data=")]
    if sites is not None:
        sites = unquoted(sites)
        if chosen:
            raise UserError(f"data={chosen[0]}: sites={sites} names the tables; leave one of them out.")
        others += ["data=sites", f"data.files={_quoted(sites)}"]
    from gans.data.sites import Sites
    from gans.federated.messages import import_flower
    from gans.federated.run import federate, stored
    from gans.findings.endings import FEDERATE, federated_lines
    from gans.runs.calls import Call

    run = compose(others)
    if run.trainer.resume:
        run, federation = stored(run, others, settings)
    import_flower()
    from gans.federated.simulation import SimulatedGrid, simulated_sites

    if not isinstance(run.data, Sites):
        raise UserError("sites is not set: usage: gans federate sites='FOLDER/site-*.parquet'")
    call = Call(FEDERATE, typed)
    found = federate(run, federation, lambda run: SimulatedGrid(simulated_sites(run)), call=call)
    lines = federated_lines(found.run_dir, found.summary, federation.share != "discriminator")
    if log.isEnabledFor(logging.INFO):
        for line in lines:
            log.info("%s", line)
    else:
        for line in (lines[0], found.run_dir):
            log.log(RESULT, "%s", line)
    return INTERRUPTED if found.summary["status"] == "interrupted" else DONE


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    main_command(command.run)
