"""Train over sites that share no row: `python -m gans.federate sites='data/site-*.parquet' [+experiment=NAME] ...`."""

import dataclasses
import logging
import sys

from gans.cli.arguments import output_folder, wants_help
from gans.cli.command import main_command
from gans.errors import DONE, INTERRUPTED, UserError
from gans.tracking.log import set_up_log

HELP = """Train over sites that share no row.

  python -m gans.federate sites='data/site-*.parquet' +experiment=tabular federated.rounds=50
  python -m gans.federate run_dir=runs/tabular/TIME trainer.resume=true
  python -m gans.federate app=FOLDER +experiment=tabular federated.rounds=50

  sites      a pattern of files, a table each: sites are simulated on this machine, in one process
  app        a folder to write: the same run as an app of Flower, for sites on machines of their own
  KEY=VALUE  as in gans.train; data.* says how the files are read
  federated.KEY=VALUE
"""

log = logging.getLogger("gans")


def usage() -> str:
    """The help, with the keys of federated.* and what they are unless said."""
    from gans.federated.settings import MOMENTS, SHARES, STRATEGIES, WEIGHTS, Federation

    allowed = {"share": SHARES, "strategy": STRATEGIES, "weights": WEIGHTS, "moments": MOMENTS}
    rows = []
    for one in dataclasses.fields(Federation):
        choice = f" of {', '.join(allowed[one.name])}" if one.name in allowed else ""
        rows.append(f"    {one.name:<15} {one.default}{choice}")
    return HELP + "\n".join(rows) + "\n\nSee docs/federated.md for what they mean, and for what leaves a site."


def main() -> int:
    """Read the arguments, and train or write the app."""
    if wants_help(usage()):
        return DONE
    from gans.federated.settings import Federation, sorted_out

    own, settings, others = sorted_out(sys.argv[1:], ("sites", "app"))
    if {"sites", "app"} <= own.keys():
        raise UserError(f"app={own['app']}: each machine names its own table; leave out sites.")

    from gans.config.compose import compose

    federation = Federation.of(settings)
    if "app" in own:
        from gans.federated.app_folder import write_app

        compose(others)  # what does not compose is refused here, not at the server
        print(write_app(output_folder(own["app"], empty=True), others, settings))
        return DONE
    chosen = [argument.partition("=")[2] for argument in others if argument.lstrip("+").startswith("data=")]
    if "sites" in own:
        if chosen:
            raise UserError(f"data={chosen[0]}: sites={own['sites']} names the tables; leave one of them out.")
        others += ["data=sites", f"data.files={_quoted(own['sites'])}"]
    from gans.data.sites import Sites
    from gans.federated.messages import import_flower
    from gans.federated.run import federate, stored

    run = compose(others)
    if run.trainer.resume:
        run, federation = stored(run, others, settings)
    import_flower()
    from gans.federated.simulation import SimulatedGrid, simulated_sites

    if not isinstance(run.data, Sites):
        raise UserError("sites is not set: usage: python -m gans.federate sites='FOLDER/site-*.parquet'")
    found = federate(run, federation, lambda run: SimulatedGrid(simulated_sites(run)))
    if found.summary["status"] == "interrupted":
        log.info("stopped; go on by python -m gans.federate run_dir=%s trainer.resume=true", found.run_dir)
        return INTERRUPTED
    log.info("completed %s rounds; rows are in %s", found.summary["rounds"], found.run_dir / "samples.parquet")
    return DONE


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    set_up_log()
    main_command(main)
