"""Train a variant: `python -m gans.train [+experiment=NAME] [GROUP=NAME] [KEY=VALUE ...]`, `-m` for a multirun."""

import logging
import os
import sys
from typing import Any

from gans.command import run_command, set_up_log
from gans.config import conf_folder, hydra_errors, load_components, read_overrides, resumed, to_run

log = logging.getLogger("gans")

WORST = 0.0


class Jobs:
    """The jobs of one call: one, or several in a multirun. A job that fails does not end the others."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def __call__(self, config: Any) -> float:
        """One run, as Hydra's launcher calls it; the score that a sweeper maximises, finite whatever happens."""
        scores = []

        def job() -> int:
            status, score = run_job(config)
            scores.append(score)
            return status

        self.statuses.append(run_command(job))
        if self.statuses[-1] == 130:
            raise KeyboardInterrupt
        return scores[0] if scores else WORST


def run_job(config: Any) -> tuple[int, float]:
    """Train what a composed config describes; exit status and score.

    Raises:
        UserError: the config, the table or the run directory do not fit.
    """
    from hydra.core.hydra_config import HydraConfig

    run = to_run(config)
    if run.trainer.resume:
        run = resumed(run, list(HydraConfig.get().overrides.task))
    from gans.pipeline import EXIT, execute

    result = execute(run)
    summary, scores = result.summary, result.summary["scores"]
    if "training" in scores:
        log.info(
            "%s after %s steps%s in %.0f s%s; see %s",
            result.status,
            f"{summary['steps']:,}",
            f" ({summary['stopped']})" if summary["stopped"] else "",
            summary["seconds"],
            _scores(scores),
            result.run_dir / "report.html",
        )
    if result.status == "interrupted":
        log.info("saved; go on with: python -m gans.train run_dir=%s trainer.resume=true", result.run_dir)
    if result.status == "diverged":
        log.error("diverged: a loss is not finite at step %s; lower optimizer.learning_rate", f"{summary['steps']:,}")
    return EXIT[result.status], result.score


def _scores(scores: dict[str, Any]) -> str:
    if scores["training"]:
        columns, pairs = (scores["training"][f"{name}_distance"] for name in ("column", "pair"))
        return f": columns {columns:.4f}, pairs {pairs:.4f} from the training rows"
    return "".join(f", {name} {value:.4f}" for name, value in scores["holdout"].items())


def main() -> int:
    """Compose, run, and give the exit status: 0 done, 2 a user's mistake, 3 diverged, 130 interrupted and saved."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        from gans.usage import usage

        print(usage())
        return 0
    if "--list" in sys.argv[1:]:
        from gans.usage import lines

        print(lines("experiment"), end="")
        return 0
    import hydra

    os.environ["HYDRA_FULL_ERROR"] = "1"
    load_components()
    flags = [argument for argument in sys.argv[1:] if argument.startswith("-")]
    sys.argv[1:] = flags + read_overrides([argument for argument in sys.argv[1:] if argument not in flags])
    jobs = Jobs()
    with hydra_errors():
        hydra.main(config_path=str(conf_folder()), config_name="train", version_base="1.3")(jobs)()
    return max(jobs.statuses, default=0)


if __name__ == "__main__":
    set_up_log()
    sys.exit(run_command(main))
