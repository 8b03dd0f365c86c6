"""Singling-out and linkability by the package anonymeter, in an environment of its own.

Giomi et al. 2023, arXiv:2211.10459. anonymeter 1.1 asks for numpy below 2 and so cannot be installed beside JAX: it
runs in another interpreter, `python -m venv anon && anon/bin/pip install anonymeter pyarrow`, to which the tables are
handed as Parquet files. There this file is run as a script: it must import nothing of this package at its top.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ATTACKS = 500
Interval = tuple[float, float, float]


def anonymity(tables: Any, interpreter: str, rows: int | None) -> tuple[dict[str, Interval], dict[str, str]]:
    """singling_out and linkability: the risk beyond that to people who were not in the table, with its interval.

    And, by name, why there is none of an attack that failed.

    Both are attacks with 500 guesses, the control being test rows. For linkability an attacker holds two sets of
    columns, every other one of the features.

    Args:
        tables: the tables of an evaluation, with test rows.
        rows: of each table at most; None for all.

    Raises:
        UserError: there is no such interpreter, or it lacks anonymeter.
    """
    import numpy as np
    import pyarrow.parquet as pq

    from gans.errors import UserError
    from gans.files import temporary_folder

    features = [column.name for column in tables.schema.features]
    with temporary_folder("gans-anonymity-") as folder:
        for name in ("real", "synthetic", "test"):
            table = getattr(tables, name).select(features)
            order = np.random.default_rng(0).permutation(table.num_rows)[:rows]
            pq.write_table(table.take(order), Path(folder) / f"{name}.parquet")
        try:
            done = subprocess.run([interpreter, __file__, str(folder)], capture_output=True, text=True)
        except OSError as error:
            raise UserError(f"anonymeter={interpreter}: it cannot be run ({error.strerror}).") from None
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise UserError(f"anonymeter={interpreter}: {reason}; it needs pip install anonymeter pyarrow.")
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise UserError(f"anonymeter={interpreter}: it is not a Python interpreter.") from None
    risks: Any = {name: tuple(risk) for name, risk in found.items() if not isinstance(risk, str)}
    return risks, {name: risk for name, risk in found.items() if isinstance(risk, str)}


def main(folder: str) -> None:
    """Run both attacks on the tables of a folder and print their risks as JSON, of one that fails the reason."""
    import random

    import numpy as np
    import pandas as pd
    from anonymeter.evaluators import LinkabilityEvaluator, SinglingOutEvaluator  # pyright: ignore[reportMissingImports]

    np.random.seed(0)
    random.seed(0)
    real, synthetic, test = (
        pd.read_parquet(Path(folder) / f"{name}.parquet") for name in ("real", "synthetic", "test")
    )
    names, attacks = list(real.columns), min(ATTACKS, len(real), len(test))
    shared = {"ori": real, "syn": synthetic, "control": test, "n_attacks": attacks}
    sides = names[::2], names[1::2]

    def singling_out() -> Any:
        evaluator = SinglingOutEvaluator(**shared)
        evaluator.evaluate(mode="multivariate")
        return evaluator

    def linkability() -> Any:
        evaluator = LinkabilityEvaluator(**shared, aux_cols=sides, n_neighbors=1)
        evaluator.evaluate(n_jobs=1)
        return evaluator

    print(json.dumps({attack.__name__: risk_of(attack) for attack in (singling_out, linkability)}))


def risk_of(attack: Callable[[], Any]) -> list[float] | str:
    """The risk by an attack with the ends of its interval; why there is none where it fails."""
    try:
        risk = attack().risk(confidence_level=0.95)
    except Exception as error:  # of one column is enough
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return [risk.value, *risk.ci]


if __name__ == "__main__":
    main(sys.argv[1])
