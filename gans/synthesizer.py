"""The notebook API: a frame in, a synthetic frame out."""

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from gans.errors import UserError
from gans.files import temporary_folder

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from gans.config.run import Run
    from gans.sampling.sampler import Sampler


class Synthesizer(BaseEstimator):
    """A generator of rows like those of a frame, as an estimator of scikit-learn.

    As in `Synthesizer(experiment="cgan", overrides=["condition.columns=[churned]"]).fit(frame)`, then
    `.sample(1000, where={"churned": "yes"})`. Parameters are checked by `fit`.

    Args:
        experiment: a file of conf/experiment.
        overrides: as on the command line, such as "trainer.steps=2000".
        run_dir: where the run is written; a temporary folder unless given. `save` copies it.
        progress: show a progress bar.
        kinds: of columns that detection got wrong, as data.kinds on the command line, by their names in the frame.
        metadata: what SDV knows of the table, JSON V1: a dict, the path of a file, or an object with `to_dict`.
            `kinds` goes before it.

    Attributes:
        run_dir_: the folder of the run.
        summary_: its summary.
    """

    run_dir_: Path
    summary_: dict[str, Any]
    _sampler: "Sampler"

    def __init__(
        self,
        *,
        experiment: str = "vanilla",
        overrides: Sequence[str] = (),
        run_dir: str | Path | None = None,
        progress: bool = True,
        kinds: Mapping[Any, str] | None = None,
        metadata: Any = None,
    ) -> None:
        self.experiment = experiment
        self.overrides = overrides
        self.run_dir = run_dir
        self.progress = progress
        self.kinds = kinds
        self.metadata = metadata

    def fit(self, frame: "pd.DataFrame | pl.DataFrame | pa.Table", y: Any = None) -> "Synthesizer":
        """Train on a frame.

        Args:
            frame: the real rows, of pandas, polars or Arrow; an index is not learnt.
            y: is not used; scikit-learn passes it.

        Raises:
            UserError: the frame, the metadata or an override does not fit; or training diverged.
        """
        from gans.compat.sdv import conform, schema_of
        from gans.config.compose import compose
        from gans.data.frames import read_frame, text_name
        from gans.report.page import report_run
        from gans.runs.execute import execute
        from gans.tracking.log import set_up_log

        del y
        set_up_log()
        path = Path(self.run_dir) if self.run_dir is not None else Path(tempfile.mkdtemp(prefix="gans-")) / "run"
        run: Run = compose([f"+experiment={self.experiment}", "tracker.mode=disabled", *self.overrides])
        if run.trainer.resume:
            raise UserError("trainer.resume=true: python -m gans.train goes on with a run; fit begins a new one.")
        named = {**run.data.kinds, **{text_name(label): kind for label, kind in (self.kinds or {}).items()}}
        described = {} if self.metadata is None else schema_of(self.metadata)
        unlearnt = [name for name, kind in {**described, **named}.items() if kind in ("id", "text")]
        read = read_frame(frame, [*run.data.drop, *unlearnt])
        table, drop, kinds = read.table, [*run.data.drop, *read.unread], {**read.kinds, **named}
        personal = run.data.personal
        if self.metadata is not None:
            found = conform(self.metadata, table, named)
            asked = (*run.data.keep, *run.data.fake)
            drop = [*drop, *(name for name in found.drop if name not in asked)]
            table, kinds, personal = found.table, found.kinds, {**found.personal, **personal}
            for name, pattern in found.formats.items():
                read.fields[name]["format"] = pattern
        read.check_kinds(kinds)
        data = dataclasses.replace(run.data, kinds=kinds, drop=drop, personal=personal)
        run = dataclasses.replace(run, run_dir=str(path), data=data)
        result = execute(run, table, self.progress, read.fields, report_run, frame=read.form)
        if result.status == "interrupted":
            from gans.config.names import shell_quoted

            where = shell_quoted(f"run_dir={path}")
            raise KeyboardInterrupt(f"saved; go on with: python -m gans.train {where} trainer.resume=true")
        if result.status == "diverged":
            raise UserError(f"training diverged at step {result.summary['steps']}; lower optimizer.learning_rate.")
        return self._set(result.sampler, path, result.summary)

    def sample(self, n: int, where: Mapping[Any, Any] | None = None, seed: int = 0) -> Any:
        """A frame [n, columns] of the library, and with the columns, dtypes and missing values, of the training frame.

        Args:
            where: what columns may hold, by name: a value, several (any of them), or slice(low, high).

        Raises:
            NotFittedError: before `fit`.
            UserError: `where` names a column that is not there, cannot hold, or too few rows fit.
        """
        from gans.data.frames import learnable_where, to_frame

        sampler = self._fitted()
        schema = sampler.codec.schema
        rows = sampler.sample(n, seed, learnable_where(where, schema) if isinstance(where, Mapping) else where)
        return to_frame(rows, schema)

    def to_metadata(self, table_name: str = "table") -> dict[str, Any]:
        """The columns of the training frame as metadata of SDV, JSON V1.

        Raises:
            NotFittedError: before `fit`.
            UserError: a column holds images.
        """
        from gans.compat.sdv import metadata_of

        return metadata_of(self._fitted().codec.schema, table_name)

    def save(self, path: str | Path) -> None:
        """Copy the run directory to `path`. It holds no training row.

        Raises:
            NotFittedError: before `fit`.
            UserError: the path exists.
        """
        self._fitted()
        path = Path(path)
        if path.exists():
            raise UserError(f"{path} exists; choose another path.")
        with temporary_folder(f".{path.name}-", path.parent) as folder:
            shutil.copytree(self.run_dir_, folder / "run").rename(path)

    @classmethod
    def load(cls, path: str | Path) -> "Synthesizer":
        """Read a run directory, one of `save` or of `python -m gans.train`; its config has how it was trained.

        Raises:
            UserError: it is no run directory, or holds no trained generator.
        """
        from gans.runs.saved import SavedRun

        saved = SavedRun.open(path, "path")
        return cls()._set(saved.sampler(), saved.folder, saved.summary)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_sampler")

    def _set(self, sampler: "Sampler", run_dir: Path, summary: dict[str, Any]) -> "Synthesizer":
        self._sampler, self.run_dir_, self.summary_ = sampler, run_dir, summary
        return self

    def _fitted(self) -> "Sampler":
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self._sampler
