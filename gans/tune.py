"""Search hyper-parameters: `python -m gans.tune [+experiment=NAME] KEY=SPACE ... [trials=20] [method=halving]`."""

from pathlib import Path

from gans.cli.command import main_command
from gans.cli.keys import Key, takes
from gans.cli.kinds import FILE, FOLDER, TEXT, WHOLE, choice
from gans.cli.overrides import complete_overrides
from gans.errors import DONE, UserError, in_range


@takes(
    Key("trials", WHOLE, "how many settings to try", default=20),
    Key(
        "method",
        choice("optuna", "halving"),
        "optuna: one run after another, the next by what the others scored, runs that lag behind are stopped; halving: "
        "all at once in one program, the better half of them continues; numbers only",
        default="optuna",
    ),
    Key("pruner", TEXT, "of method=optuna: median, halving or none", default="median"),
    Key(
        "folder",
        FOLDER,
        "folder of the sweep; default: runs/sweeps/TIME; a search that was started there continues",
    ),
    Key("sampler_seed", WHOLE, "seed of the search; seed= is that of the runs", default=0),
    Key("wandb", FILE, "write a Weights & Biases sweep into this .yaml file instead, and print how to start it"),
    others="a setting of every run, as in gans train; or a space to search: choice(a,b) or a,b; interval(low,high); "
    "range(low,high,step); tag(log,...) or tag(int,...) of these",
    complete=complete_overrides,
    usages=(
        "+experiment=wgan_gp 'optimizer.learning_rate=tag(log,interval(1e-5,1e-2))' trials=20",
        "+experiment=wgan_gp 'penalty.gradient_penalty.weight=choice(1,10,100)' method=halving trials=16",
    ),
    after="The score is trainer.best on held-out rows. Each run has its own directory in the folder. At the end a "
    "table is printed and written to sweep.csv; `gans compare runs=FOLDER by=KEY` compares the runs.",
    needs=True,
)
def command(
    trials: int,
    method: str,
    pruner: str,
    folder: str | None,
    sampler_seed: int,
    wandb: str | None,
    others: list[str],
) -> int:
    """Search hyper-parameters of a variant."""
    in_range("trials", trials, 2, 100_000)
    in_range("sampler_seed", sampler_seed, 0)

    from gans.config.overrides import implied
    from gans.locks import locked
    from gans.runs.directory import new_folder
    from gans.sweeps.records import SWEEPS
    from gans.sweeps.space import read_space

    space, fixed = read_space(implied(others))
    if not space:
        raise UserError("nothing to search: give a KEY=SPACE, as in 'optimizer.learning_rate=interval(1e-4,1e-3)'.")
    if any(argument.startswith("run_dir=") for argument in fixed):
        raise UserError("run_dir: each run has its own in folder=DIR; leave it out.")
    if wandb is not None:
        from gans.sweeps.wandb_sweep import write_sweep

        path = Path(wandb)
        if path.suffix not in (".yaml", ".yml"):
            raise UserError(f"wandb={path}: a .yaml file is needed.")
        print(write_sweep(path, space, fixed, trials))
        return DONE
    from gans.sweeps.search import import_optuna

    import_optuna()
    place = Path(folder).expanduser() if folder is not None else new_folder(SWEEPS)
    with locked(place, "folder", make=True):
        if method == "halving":
            from gans.sweeps.halving import halve

            jobs = halve(space, fixed, trials, place, sampler_seed)
        else:
            from gans.sweeps.search import search

            jobs = search(space, fixed, trials, place, pruner, sampler_seed)
    return DONE if any(job.status == "completed" for job in jobs) else 1


if __name__ == "__main__":
    main_command(command.run)
