"""Event files of TensorBoard, by tensorboardX, which needs no TensorFlow."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from gans.errors import missing_extra
from gans.registry import register
from gans.tracking.base import Logger, RunEnd, RunStart

FOLDER = "tensorboard"


@register("logger", "tensorboard")
@dataclass(kw_only=True)
class TensorBoardLogger(Logger):
    """TensorBoard, in the folder `tensorboard` of the run directory: `tensorboard --logdir runs` shows all runs."""

    def check(self) -> None:
        """Raise UserError where tensorboardX is not installed."""
        try:
            importlib.import_module("tensorboardX")
        except ImportError:
            raise missing_extra("logger=tensorboard", "tensorboard") from None

    def start(self, start: RunStart) -> "TensorBoard":
        """Begin when the first metrics come: only then is the step known from which a resumed run goes on."""
        return TensorBoard(start)


class TensorBoard:
    """A run as scalars, images and texts. A resumed run hides what lies beyond the step from which it goes on."""

    def __init__(self, start: RunStart) -> None:
        self.run, self.writer, self.step = start, None, 0

    def _open(self, step: int) -> Any:
        if self.writer is None:
            from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]

            self.writer = SummaryWriter(str(self.run.run_dir / FOLDER), purge_step=step)
            self.writer.add_text("config", f"```yaml\n{self.run.config}```", step)
        return self.writer

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Scalars, and on disk at once."""
        writer, self.step = self._open(step), step
        for name, value in metrics.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    def finish(self, end: RunEnd) -> None:
        """Best values, figures, sample rows; then close the file."""
        import numpy as np
        from PIL.Image import open as open_image

        writer = self._open(self.step)
        for name, value in end.best.items():
            writer.add_scalar(f"best/{name}", value, self.step)
        if end.samples is not None:
            writer.add_text("samples", f"```\n{end.samples.to_string(index=False)}\n```", self.step)
        for name, png in end.figures().items():
            writer.add_image(name, np.asarray(open_image(BytesIO(png)).convert("RGB")), self.step, dataformats="HWC")
        writer.close()
