"""What server and sites say to each other, as messages of Flower."""

import importlib
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gans.errors import missing_extra
from gans.federated.agreed import Agreed
from gans.federated.agreement import described
from gans.federated.arrays import Arrays
from gans.federated.settings import Federation
from gans.federated.site import Site, attempt
from gans.training.step import TrainState

if TYPE_CHECKING:
    from flwr.app import Message, RecordDict

DESCRIBE, JOIN, COUNT, SAMPLE = "query.describe", "query.join", "query.count", "query.sample"
TRAIN, EVALUATE = "train", "evaluate"


def import_flower() -> None:
    """Import Flower, without what it would send to its makers.

    Raises:
        UserError: it is not installed.
    """
    import os
    import warnings

    os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            importlib.import_module("flwr.serverapp.strategy")
        logging.getLogger("flwr").setLevel(logging.ERROR)  # what it would say, the server says
    except ImportError:
        raise missing_extra("federated training", "federated") from None


def content(
    arrays: Mapping[str, np.ndarray] | None = None, counts: np.ndarray | None = None, **said: Any
) -> "RecordDict":
    """The content of a message: arrays, noisy counts, and what is said beside them."""
    from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

    out = RecordDict({"said": ConfigRecord(said)})
    if arrays is not None:
        out["arrays"] = ArrayRecord({path: Array(array) for path, array in arrays.items()})
    if counts is not None:
        out["counts"] = ArrayRecord({"counts": Array(counts)})
    return out


def numbers(metrics: Mapping[str, float]) -> Any:
    """Metrics, as a message has them."""
    from flwr.app import MetricRecord

    return MetricRecord({name: float(value) for name, value in metrics.items()})


def arrays_in(message: "Message") -> Arrays:
    """The arrays of a message; none where it has none, or cannot be read."""
    record = message.content.array_records.get("arrays")
    return {} if record is None else {path: array.numpy() for path, array in record.items()}


def counts_in(message: "Message") -> np.ndarray:
    """The noisy counts of a message; none where it has none."""
    record = message.content.array_records.get("counts")
    return np.zeros(0) if record is None or "counts" not in record else np.asarray(record["counts"].numpy())


def said_in(message: "Message") -> dict[str, Any]:
    """What is said beside arrays."""
    record = message.content.config_records.get("said")
    return {} if record is None else dict(record)


def metrics_in(message: "Message") -> dict[str, float]:
    """The metrics of a message."""
    record = message.content.metric_records.get("metrics")
    return (
        {} if record is None else {name: float(value) for name, value in record.items() if not isinstance(value, list)}
    )


def answer(site: Site, message: "Message") -> "Message":
    """What a site answers; what it cannot do, it says in one line."""
    from flwr.app import Message

    kind = message.metadata.message_type
    acts = {DESCRIBE: _describe, JOIN: _join, COUNT: _count, SAMPLE: _sample, TRAIN: _train, EVALUATE: _evaluate}
    act = acts[kind]
    found, reason = attempt(site.name, lambda: act(site, message))
    if reason:
        found = content(error=reason if site.explains else "it cannot; its own log says why")
    found.config_records["said"]["site"] = site.name
    return Message(found, reply_to=message)


def trained(site: Site, number: int, state: TrainState, metrics: Mapping[str, Any]) -> "RecordDict":
    """The answer of a site that has trained."""
    arrays, found = site.end_round(number, state, {name: float(value) for name, value in metrics.items()})
    out = content(arrays)
    out["metrics"] = numbers(found)
    return out


def _describe(site: Site, message: "Message") -> "RecordDict":
    federation = Federation(**json.loads(said_in(message)["federation"]))
    return content(description=json.dumps(described(site.describe(federation)), ensure_ascii=False))


def _join(site: Site, message: "Message") -> "RecordDict":
    agreed = Agreed.unpack(said_in(message)["agreement"], site.folder / "agreement")
    site.join(agreed)
    return content()


def _count(site: Site, message: "Message") -> "RecordDict":
    del message
    return content(counts=site.counts())


def _sample(site: Site, message: "Message") -> "RecordDict":
    return content(rows=site.sample(int(said_in(message)["rows"])))


def _train(site: Site, message: "Message") -> "RecordDict":
    number = int(said_in(message)["round"])
    if site.known.private:
        return content(site.train_privately(number, arrays_in(message), counts_in(message)))
    state = site.begin_round(number, arrays_in(message))
    state, metrics = site.program(state, site.training_rows, site.known.federation.local_steps)
    return trained(site, number, state, metrics)


def _evaluate(site: Site, message: "Message") -> "RecordDict":
    out = content()
    out["metrics"] = numbers(site.evaluate(int(said_in(message)["round"]), arrays_in(message)))
    return out
