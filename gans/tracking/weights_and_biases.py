"""Weights & Biases. Whatever fails there is said once, and all else goes on."""

import logging
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from gans.tracking.settings import TrackerSettings

log = logging.getLogger("gans")


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
    """One run there: config, metrics, sample rows, figures, and the generator as an artifact."""

    def __init__(self, settings: TrackerSettings, mode: str, name: str, config: str, run_dir: Path) -> None:
        self.run: Any = None
        self.failed = mode == "disabled"

        def start() -> None:
            os.environ.setdefault("WANDB_SILENT", "true")
            os.environ.setdefault("WANDB_CONSOLE", "off")
            import wandb
            import yaml

            Path(settings.folder).mkdir(parents=True, exist_ok=True)
            self.run = wandb.init(
                project=settings.project,
                entity=settings.entity,
                group=settings.group or name,
                job_type=settings.job_type,
                tags=settings.tags,
                id=settings.id,
                name=run_dir.name,
                resume="allow" if mode == "online" else None,
                mode=mode,  # pyright: ignore[reportArgumentType]
                dir=settings.folder,
                config=yaml.safe_load(config),
            )

        self._try(start)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Metrics of a step."""
        self._try(lambda: self.run.log(dict(metrics), step=step))

    def finish_report(self, figures: Mapping[str, float], name: str, table: Any) -> None:
        """Figures as the summary and an Arrow table under a name; then close the run."""

        def close() -> None:
            import wandb

            self.run.summary.update(dict(figures))
            rows: list[Any] = [list(row.values()) for row in table.to_pylist()]
            self.run.log({name: wandb.Table(columns=table.column_names, data=rows)})
            self.run.finish()

        self._try(close)

    def finish(
        self,
        summary: Mapping[str, Any],
        generator: Iterable[Path],
        table: Any,
        figures: Callable[[], Mapping[str, bytes]],
    ) -> None:
        """Summary, a frame of sample rows, figures as PNG, and the generator; then close the run.

        Args:
            generator: the files and folders that a sampler needs.
            figures: draws them, by name.
        """

        def close() -> None:
            import wandb
            from PIL.Image import open as open_image

            self.run.summary.update(summary)
            if table is not None:
                self.run.log({"samples": wandb.Table(dataframe=table)})
            artifact = wandb.Artifact(f"generator-{self.run.id}", type="generator")
            for path in generator:
                if path.is_dir():
                    artifact.add_dir(str(path), name=path.name)
                else:
                    artifact.add_file(str(path))
            self.run.log_artifact(artifact)
            if drawn := figures():
                self.run.log({name: wandb.Image(open_image(BytesIO(png))) for name, png in drawn.items()})
            self.run.finish(exit_code=0 if summary["status"] == "completed" else 1)

        self._try(close)

    def _try(self, call: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            call()
        except Exception as error:
            self.failed = True
            reason = (str(error).strip() or repr(error)).split("\n", 1)[0]
            log.warning("tracking failed and stops here, all else goes on; the files have all (%s)", reason)
