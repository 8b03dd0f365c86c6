"""Fit the package ctgan 0.12.1 for a given time and draw rows; run by study.py in an environment that has it.

    python reference.py train=FILE.parquet out=FOLDER seed=0 seconds=600 discrete='["income", ...]'

Its epochs are chosen from short timed fits, which do not count. What counts, and is written, is the actual time of
the last fit, preparation of the table included. FOLDER gets samples.parquet, then summary.json.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

VERSION, BATCH = "0.12.1", 500
TIMED_SHARE = 0.05


def coded(frame: pd.DataFrame, discrete: list[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table with every level of a discrete column, null among them, as a code in text; and the levels."""
    frame, levels = frame.copy(), {}
    for name in discrete:
        codes, levels[name] = pd.factorize(frame[name], use_na_sentinel=False)
        frame[name] = codes.astype(str)
    return frame, levels


def decoded(frame: pd.DataFrame, levels: dict[str, Any]) -> pd.DataFrame:
    """The levels back in the place of their codes."""
    return frame.assign(**{name: known.take(frame[name].astype(int)) for name, known in levels.items()})


def fit(frame: pd.DataFrame, discrete: list[str], epochs: int, seed: int) -> tuple[Any, float]:
    """The fitted model, and the seconds that it took."""
    import torch
    from ctgan import CTGAN

    np.random.seed(seed)
    torch.manual_seed(seed)
    model = CTGAN(epochs=epochs, batch_size=BATCH)
    began = time.perf_counter()
    model.fit(frame, discrete)
    return model, time.perf_counter() - began


def epochs_within(seconds: float, timed: Callable[[int], float]) -> int:
    """Epochs that a fit of this many seconds has; `timed` gives the seconds of a fit by its epochs.

    The first fit warms up. The timed epochs double until they take a twentieth of the time, well above the noise.
    """
    timed(0)
    prepared, epochs = timed(0), 1
    while (spent := timed(epochs) - prepared) < TIMED_SHARE * seconds:
        epochs *= 2
    return max(1, int((seconds - prepared) * epochs / spent))


def main() -> None:
    """Choose the epochs, fit, sample, write."""
    warnings.simplefilter("ignore")
    if version("ctgan") != VERSION:
        raise SystemExit(f"ctgan {version('ctgan')}: the reference is ctgan {VERSION}")
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    out, seed, discrete = Path(given["out"]), int(given["seed"]), json.loads(given["discrete"])
    frame, levels = coded(pd.read_parquet(given["train"]), discrete)
    epochs = epochs_within(float(given["seconds"]), lambda epochs: fit(frame, discrete, epochs, seed)[1])
    model, seconds = fit(frame, discrete, epochs, seed)
    decoded(model.sample(len(frame)), levels).to_parquet(out / "samples.parquet", index=False)
    summary = {
        "status": "completed",
        "steps": epochs * (len(frame) // BATCH),
        "seconds": round(seconds, 2),
        "compile_seconds": 0.0,
        "commit": f"ctgan {VERSION}, torch {version('torch')}",
    }
    (out / "summary.json").write_text(json.dumps(summary) + "\n")


if __name__ == "__main__":
    main()
