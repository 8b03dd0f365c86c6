"""Search hyper-parameters: `python -m gans.tune [+experiment=NAME] KEY=SPACE ... [trials=20] [method=halving]`."""

import sys
from pathlib import Path

from gans.cli.arguments import key_values
from gans.cli.command import main_command
from gans.errors import DONE, UserError, in_range, one_of
from gans.tracking.log import set_up_log

HELP = """Search hyper-parameters of a variant.

  python -m gans.tune +experiment=wgan_gp 'optimizer.learning_rate=tag(log,interval(1e-5,1e-2))' trials=20
  python -m gans.tune +experiment=wgan_gp 'penalty.gradient_penalty.weight=choice(1,10,100)' method=halving trials=16

  KEY=SPACE  choice(a,b) or a,b; interval(low,high); range(low,high,step); tag(log,...) and tag(int,...)
  KEY=VALUE  holds for every run, as in gans.train
  trials     settings (20)
  method     optuna: one run after another, the next by what the others scored, runs that lag behind are stopped;
             halving: all at once in one program, the better half of them goes on; numbers only
  pruner     of optuna: median, halving or none
  folder     of the sweep; runs/sweeps/TIME unless given. A search that was begun there goes on
  sampler_seed  of the search (0); seed is that of the runs
  wandb      FILE.yaml: write a Weights & Biases sweep instead, and print the lines that begin it

The score is trainer.best on held-out rows. Each run has its directory in the folder; at the end there is a table,
sweep.csv, and `python -m gans.compare runs=FOLDER by=KEY` compares them.
"""

KEYS = {"trials": int, "method": str, "pruner": str, "folder": str, "sampler_seed": int, "wandb": str}


def main() -> int:
    """Read the arguments and search."""
    if not sys.argv[1:] or {"-h", "--help"} & set(sys.argv[1:]):
        print(HELP)
        return DONE
    own = [argument for argument in sys.argv[1:] if argument.partition("=")[0] in KEYS]
    given = {"trials": 20, "method": "optuna", "pruner": "median", "sampler_seed": 0} | key_values(own, KEYS)
    in_range("trials", given["trials"], 2, 100_000)
    in_range("sampler_seed", given["sampler_seed"], 0)
    one_of("method", given["method"], ("optuna", "halving"))

    from gans.locks import locked
    from gans.runs.directory import new_folder
    from gans.sweeps.records import SWEEPS
    from gans.sweeps.space import read_space

    space, fixed = read_space([argument for argument in sys.argv[1:] if argument not in own])
    if not space:
        raise UserError("nothing to search: give a KEY=SPACE, as in 'optimizer.learning_rate=interval(1e-4,1e-3)'.")
    if any(argument.startswith("run_dir=") for argument in fixed):
        raise UserError("run_dir: each run has its own in folder=DIR; leave it out.")
    if "wandb" in given:
        from gans.sweeps.wandb_sweep import write_sweep

        path = Path(given["wandb"])
        if path.suffix not in (".yaml", ".yml"):
            raise UserError(f"wandb={path}: a .yaml file is needed.")
        print(write_sweep(path, space, fixed, given["trials"]))
        return DONE
    from gans.sweeps.search import import_optuna

    import_optuna()
    folder = Path(given["folder"]).expanduser() if "folder" in given else new_folder(SWEEPS)
    with locked(folder, "folder", make=True):
        if given["method"] == "halving":
            from gans.sweeps.halving import halve

            jobs = halve(space, fixed, given["trials"], folder, given["sampler_seed"])
        else:
            from gans.sweeps.search import search

            jobs = search(space, fixed, given["trials"], folder, given["pruner"], given["sampler_seed"])
    return DONE if any(job.status == "completed" for job in jobs) else 1


if __name__ == "__main__":
    set_up_log()
    main_command(main)
