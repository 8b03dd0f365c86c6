"""The runs of a Weights & Biases project."""

from typing import Any

from gans.errors import UserError
from gans.runs.record import RunRecord, make_record


def read_project(path: str) -> list[RunRecord]:
    """All runs of ENTITY/PROJECT that `gans.train` tracked.

    Raises:
        UserError: the project cannot be read, or holds no such run.
    """
    import wandb

    try:
        found = [_read(run) for run in wandb.Api().runs(path) if "components" in run.config]
    except Exception as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise UserError(f"runs=wandb:{path}: the project cannot be read ({reason}).") from None
    if not found:
        raise UserError(f"runs=wandb:{path}: it contains no run of gans train.")
    return found


def _read(run: Any) -> RunRecord:
    """A run from what the service keeps: config, summary, and rows with `_step`."""
    history = [
        {**{key: value for key, value in row.items() if isinstance(value, (int, float))}, "step": row["_step"]}
        for row in run.scan_history()
    ]
    summary = {key: _plain(value) for key, value in dict(run.summary).items()}
    return make_record(run.url, run.config, summary, history)


def _plain(value: Any) -> Any:
    """Values of a summary without the service's own classes."""
    if hasattr(value, "items"):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value
