"""What studies ask of synthetic rows: a program that judges, and boosted trees."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gans.files import write_table


def judged(program: str, folder: Path, tables: tuple[pa.Table, pa.Table, pa.Table], name: str) -> dict[str, Any]:
    """What gap.py says of training, synthetic and test rows, which are written into a folder for it."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{side}.parquet" for side in ("training", "made", "test")]
    for file, rows in zip(files, tables, strict=True):
        write_table(file, rows)
    command = [sys.executable, program, *map(str, files), "--name", name]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(said.splitlines()[-1])


def boosted_auc(features: Any, label: Any, test_features: Any, test_label: Any) -> float:
    """AUC on test rows of 100 boosted trees of depth 4 of synthetic rows; .5 where these have one class."""
    import xgboost as xgb
    from sklearn.metrics import roc_auc_score

    if len(np.unique(label)) < 2:
        return 0.5
    model = xgb.XGBClassifier(n_estimators=100, max_depth=4, learning_rate=0.1, n_jobs=1, random_state=0)
    model.fit(features, label)
    return float(roc_auc_score(test_label, model.predict_proba(test_features)[:, 1]))


def predictive(made: pa.Table, test: pa.Table, label: str) -> float:
    """AUC on test rows of boosted trees of a column trained on synthetic rows."""
    frames = [table.to_pandas() for table in (made, test)]
    both = pd.concat(frames)
    for name in both.columns:
        if not pd.api.types.is_numeric_dtype(both[name]):
            both[name] = both[name].astype("category").cat.codes
    sides = both.iloc[: len(frames[0])], both.iloc[len(frames[0]) :]
    (features, own), tested = ((side.drop(columns=label), side[label]) for side in sides)
    return boosted_auc(features, own, *tested)
