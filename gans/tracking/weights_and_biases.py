"""Weights & Biases. Whatever fails there is said once, and all else goes on."""

import logging
import os
import secrets
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from gans.tracking.base import RunEnd, RunStart
from gans.tracking.guard import Guard
from gans.tracking.settings import TrackerSettings

log = logging.getLogger("gans")

STEP = "step"


def new_id() -> str:
    """An id for a new run."""
    return secrets.token_hex(4)


def settle_mode(settings: TrackerSettings) -> str:
    """The mode, `auto` settled: online where there is an API key, else offline with one line that says so."""
    if settings.mode != "auto":
        return settings.mode
    if os.environ.get("WANDB_MODE") in ("offline", "disabled", "dryrun"):
        return "disabled" if os.environ["WANDB_MODE"] == "disabled" else "offline"
    if os.environ.get("WANDB_API_KEY") or _key_in_netrc():
        return "online"
    log.info("tracking offline: there is no Weights & Biases key (`wandb sync` uploads later)")
    return "offline"


def _key_in_netrc() -> bool:
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return "api.wandb.ai" in path.read_text()
    except OSError:
        return False


class WeightsAndBiases:
    """One run there: config, metrics, sample rows, figures, and the generator as an artifact of type `model`.

    Each metric has `step` as its axis, and those with a goal have their best value in the summary, as NAME.max or
    NAME.min.
    """

    def __init__(self, settings: TrackerSettings, mode: str, start: RunStart) -> None:
        self.run: Any = None
        self.attempt = Guard("Weights & Biases")
        self.attempt.failed = mode == "disabled"

        def begin() -> None:
            os.environ.setdefault("WANDB_SILENT", "true")
            os.environ.setdefault("WANDB_CONSOLE", "off")
            import wandb
            import yaml

            Path(settings.folder).mkdir(parents=True, exist_ok=True)
            self.run = wandb.init(
                project=settings.project,
                entity=settings.entity,
                group=settings.group or start.name,
                job_type=settings.job_type,
                tags=settings.tags,
                id=settings.id,
                name=start.run_dir.name,
                resume="allow" if mode == "online" else None,
                mode=mode,  # pyright: ignore[reportArgumentType]
                dir=settings.folder,
                config=yaml.safe_load(start.config),
            )
            if mode == "online":
                log.info("Weights & Biases: %s", self.run.url)
            self.run.define_metric(STEP, hidden=True)
            self.run.define_metric("*", step_metric=STEP)
            swept = "WANDB_SWEEP_ID" in os.environ  # a sweep reads NAME itself, which then must stay a number
            for name, goal in () if swept else start.goals.items():
                self.run.define_metric(name, step_metric=STEP, summary=f"{goal},last")

        self.attempt(begin)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Metrics of a step."""
        self.attempt(lambda: self.run.log({**metrics, STEP: step}, step=step))

    def finish_report(self, figures: Mapping[str, float], name: str, table: Any) -> None:
        """Figures as the summary and an Arrow table under a name; then close the run."""

        def close() -> None:
            import wandb

            self.run.summary.update(dict(figures))
            rows: list[Any] = [list(row.values()) for row in table.to_pylist()]
            self.run.log({name: wandb.Table(columns=table.column_names, data=rows)})
            self.run.finish()

        self.attempt(close)

    def finish(self, end: RunEnd) -> None:
        """Summary, sample rows, figures, and the generator; then close the run."""

        def close() -> None:
            import wandb
            from PIL.Image import open as open_image

            self.run.summary.update(dict(end.summary))
            if end.samples is not None:
                self.run.log({"samples": wandb.Table(dataframe=end.samples)})
            artifact = wandb.Artifact(f"generator-{self.run.id}", type="model", metadata=dict(end.summary))
            for path in end.generator:
                if path.is_dir():
                    artifact.add_dir(str(path), name=path.name)
                else:
                    artifact.add_file(str(path))
            self.run.log_artifact(artifact)
            if drawn := end.figures():
                self.run.log({name: wandb.Image(open_image(BytesIO(png))) for name, png in drawn.items()})
            self.run.finish(exit_code=0 if end.summary["status"] == "completed" else 1)

        self.attempt(close)
