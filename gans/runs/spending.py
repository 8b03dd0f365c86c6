"""What was asked of a table so far, by all private runs of this user: kept in the user's state folder."""

import hashlib
import hmac
import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.artefacts import read_json, reading
from gans.files import write_text
from gans.locks import locked
from gans.privacy.ledger import Ledger, epsilon_of
from gans.runs.provenance import machine_key, state_folder

log = logging.getLogger("gans")


def fingerprint(table: pa.Table, key: bytes) -> str:
    """Of the content of a table, whatever the order of its rows and columns; nobody without the key can guess rows."""
    import pandas

    frame = table.select(sorted(table.column_names)).to_pandas()
    hashes: Any = pandas.util.hash_pandas_object  # pyright: ignore[reportAttributeAccessIssue]
    rows = np.sort(hashes(frame, index=False).to_numpy())
    return hmac.new(key, hashlib.sha256(rows.tobytes()).digest(), hashlib.sha256).hexdigest()


def remember(table: pa.Table, ledger: Ledger, additive: bool, run_dir: Path) -> None:
    """Write down that the whole budget of a run is spent on these rows, and warn where it is not the first.

    It is written before the first look: a run that is interrupted has spent it, too.

    Args:
        additive: whether the run has a rho at the whole delta, which adds up: no mechanism sees random parts of the
            rows, and none has a delta of its own.
    """
    try:
        folder = state_folder() / "privacy"
        path = folder / f"{fingerprint(table, machine_key())}.json"
        with locked(folder, "the ledgers of tables", make=True):
            earlier = _read(path)
            own = {"run_dir": str(run_dir.absolute()), "epsilon": ledger.epsilon, "delta": ledger.delta}
            own |= {"rho": ledger.rho if additive else None, "time": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
            write_text(path, json.dumps([*earlier, own], indent=1) + "\n")
    except OSError as error:
        log.warning("privacy: that these rows were asked is not written down, so that runs do not add up: %s", error)
        return
    if earlier:
        log.warning(
            "privacy: these rows were asked before, by %s; what all of them give together is epsilon=%.3g at delta=%g",
            f"{len(earlier)} run{'s' * (len(earlier) > 1)}",
            *together([*earlier, own]),
        )


def together(runs: list[dict[str, Any]]) -> tuple[float, float]:
    """Epsilon and delta of several runs on the same rows.

    The rho of those that have one adds up; beside them epsilon and delta add up, as they always do.
    """
    zcdp = [one for one in runs if one["rho"] is not None]
    others = [one for one in runs if one["rho"] is None]
    delta = max((one["delta"] for one in zcdp), default=0.0)
    epsilon = epsilon_of(sum(one["rho"] for one in zcdp), delta) if zcdp else 0.0
    return epsilon + sum(one["epsilon"] for one in others), delta + sum(one["delta"] for one in others)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    with reading(path, "the ledger of a table"):
        return [
            {**one, "epsilon": float(one["epsilon"]), "delta": float(one["delta"])}
            | {"rho": None if one["rho"] is None else float(one["rho"])}
            for one in read_json(path)
        ]
