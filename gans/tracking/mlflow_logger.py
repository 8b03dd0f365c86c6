"""MLflow: a server, or a database in the working directory."""

import dataclasses
import logging
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Self

from gans.errors import missing_extra
from gans.registry import register
from gans.tracking.base import Logger, RunEnd, RunStart
from gans.tracking.weights_and_biases import new_id

log = logging.getLogger("gans")

TAG = "gans.id"
MOST_PARAMETERS = 100  # that MLflow takes in one call
LONGEST_VALUE = 500  # of a parameter, in every version of MLflow
NAME = re.compile(r"[\w.\- :/]+")  # of a parameter; all others are in model/config.yaml
STATUS = {"completed": "FINISHED", "interrupted": "KILLED"}
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # its own seven hold a run up for minutes where a server is down
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


@register("logger", "mlflow")
@dataclass(kw_only=True)
class MLflowLogger(Logger):
    """MLflow.

    Attributes:
        uri: of the tracking server or database; null for $MLFLOW_TRACKING_URI, else mlflow.db in the working directory.
        experiment: the experiment, made where there is none.
        id: of the run, kept as its tag `gans.id`; null for a new one. A run directory remembers its own, so that a
            resumed run goes on there too.
    """

    uri: str | None = None
    experiment: str = "gans"
    id: str | None = None

    def check(self) -> None:
        """Raise UserError where MLflow is not installed."""
        from importlib.util import find_spec

        if find_spec("mlflow") is None:  # to import it takes seconds
            raise missing_extra("logger=mlflow", "mlflow")

    def identified(self) -> Self:
        """With an id."""
        return dataclasses.replace(self, id=self.id or new_id())

    def start(self, start: RunStart) -> "MLflow":
        """Begin a run, or go on with the one of this id."""
        return MLflow(self, start)


class MLflow:
    """One run there: parameters, metrics, figures, sample rows, and the generator as artifacts."""

    def __init__(self, settings: MLflowLogger, start: RunStart) -> None:
        import yaml

        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient  # pyright: ignore
        from mlflow.entities import Param  # pyright: ignore

        self.client = MlflowClient(tracking_uri=settings.uri)
        known = self.client.get_experiment_by_name(settings.experiment)
        experiment = known.experiment_id if known else self.client.create_experiment(settings.experiment)
        earlier = self.client.search_runs([experiment], f"tags.`{TAG}` = '{settings.id}'", max_results=1)
        if (server := settings.uri or os.environ.get("MLFLOW_TRACKING_URI", "")).startswith("http"):
            log.info("MLflow: experiment %s at %s", settings.experiment, server)
        if earlier:
            self.id = earlier[0].info.run_id
            self.client.update_run(self.id, status="RUNNING")
            return
        tags = {TAG: str(settings.id), "gans.variant": start.name}
        self.id = self.client.create_run(experiment, run_name=start.run_dir.name, tags=tags).info.run_id
        flat = _flat(yaml.safe_load(start.config))
        parameters = [Param(name, value[:LONGEST_VALUE]) for name, value in flat if NAME.fullmatch(name)]
        for first in range(0, len(parameters), MOST_PARAMETERS):
            self.client.log_batch(self.id, params=parameters[first : first + MOST_PARAMETERS])

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Metrics of a step; those that are not finite are left out."""
        from mlflow.entities import Metric  # pyright: ignore

        now = round(1000 * time.time())
        found = [Metric(name, float(value), now, step) for name, value in metrics.items() if math.isfinite(value)]
        self.client.log_batch(self.id, metrics=found)

    def finish(self, end: RunEnd) -> None:
        """Best values, summary, figures, sample rows and the generator; then end the run."""
        from PIL.Image import open as open_image

        self.log({f"best/{name}": value for name, value in end.best.items()}, end.summary["steps"])
        self.client.log_dict(self.id, dict(end.summary), "results.json")
        if end.samples is not None:
            self.client.log_text(self.id, end.samples.to_csv(index=False), "samples.csv")
        for name, png in end.figures().items():
            self.client.log_image(self.id, open_image(BytesIO(png)), f"figures/{name}.png")
        for path in end.generator:
            put = self.client.log_artifacts if path.is_dir() else self.client.log_artifact
            put(self.id, str(path), f"model/{path.name}" if path.is_dir() else "model")
        self.client.set_terminated(self.id, STATUS.get(end.summary["status"], "FAILED"))


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Keys with dots, and values as text, but for empty groups."""
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
