"""The notebook API: a frame in, a synthetic frame out."""

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gans.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from gans.data.schema import Column, Schema
    from gans.sampling import Sampler


class Synthesizer:
    """A trained generator of rows like those of a frame.

    As in `Synthesizer.fit(frame, experiment="cgan", overrides=["condition.columns=[churned]"])`, then
    `.sample(1000, where={"churned": "yes"})`.
    """

    def __init__(self, sampler: "Sampler", run_dir: Path, summary: Mapping[str, Any]) -> None:
        self._sampler = sampler
        self.run_dir, self.summary = run_dir, summary

    @classmethod
    def fit(
        cls,
        frame: "pd.DataFrame",
        experiment: str = "vanilla",
        overrides: Sequence[str] = (),
        run_dir: str | Path | None = None,
        progress: bool = True,
        kinds: Mapping[str, str] | None = None,
    ) -> "Synthesizer":
        """Train on a frame.

        Args:
            frame: the real rows; its index is not learnt.
            experiment: a file of conf/experiment.
            overrides: as on the command line, such as "trainer.steps=2000".
            run_dir: where the run is written; a temporary folder unless given. `save` copies it.
            progress: show a progress bar.
            kinds: of columns that detection got wrong, as data.kinds on the command line; here any name can be written.

        Raises:
            UserError: the frame or an override does not fit; or training diverged.
        """
        from gans.command import set_up_log
        from gans.config import compose
        from gans.pipeline import execute

        set_up_log()
        folder = Path(run_dir) if run_dir is not None else Path(tempfile.mkdtemp(prefix="gans-")) / "run"
        table, fields = read_frame(frame)
        run = compose([f"+experiment={experiment}", "tracker.mode=disabled", *overrides])
        if run.trainer.resume:
            raise UserError("trainer.resume=true: python -m gans.train goes on with a run; fit begins a new one.")
        data = dataclasses.replace(run.data, kinds={**run.data.kinds, **(kinds or {})})
        run = dataclasses.replace(run, run_dir=str(folder), data=data)
        result = execute(run, table, progress, fields)
        if result.status == "interrupted":
            raise KeyboardInterrupt(f"saved; go on with: python -m gans.train run_dir={folder} trainer.resume=true")
        if result.status == "diverged":
            raise UserError(f"training diverged at step {result.summary['steps']}; lower optimizer.learning_rate.")
        return cls(result.sampler, folder, result.summary)

    def sample(self, n: int, where: Mapping[str, Any] | None = None, seed: int = 0) -> "pd.DataFrame":
        """A frame [n, columns] with the columns, dtypes and missing values of the training frame.

        Args:
            where: values that condition columns are fixed to.

        Raises:
            UserError: `where` names a column that is no condition, or a value that does not occur.
        """
        return to_frame(self._sampler.sample(n, seed, where), self._sampler.codec.schema)

    def save(self, path: str | Path) -> None:
        """Copy the run directory to `path`. It holds no training row.

        Raises:
            UserError: the path exists.
        """
        path = Path(path)
        if path.exists():
            raise UserError(f"{path} exists; choose another path.")
        partial = path.with_name(f".{path.name}-partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(self.run_dir, partial)
        partial.rename(path)

    @classmethod
    def load(cls, path: str | Path) -> "Synthesizer":
        """Read a run directory, one of `save` or of `python -m gans.train`.

        Raises:
            UserError: it is no run directory, or holds no trained generator.
        """
        import json

        from gans.sampling import load_sampler

        folder = Path(path)
        sampler, _ = load_sampler(folder)
        summary = folder / "summary.json"
        return cls(sampler, folder, json.loads(summary.read_text()) if summary.exists() else {})


def read_frame(frame: "pd.DataFrame") -> "tuple[pa.Table, dict[str, dict[str, Any]]]":
    """A frame as a table, names as text, and by column the fields of a schema that bring its dtype back.

    Raises:
        UserError: a name occurs twice, or a column holds what a table cannot.
    """
    import pyarrow as pa

    names = [str(name) for name in frame.columns]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"the frame has two columns named '{twice[0]}'.")
    plain = frame.set_axis(names, axis=1)
    try:
        table = pa.Table.from_pandas(plain, preserve_index=False).replace_schema_metadata()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise UserError(f"the frame cannot be read: {' '.join(map(str, error.args))}") from None
    return table, {name: _pandas_fields(plain[name]) for name in names}


def to_frame(table: "pa.Table", schema: "Schema") -> "pd.DataFrame":
    """A sampled table as a frame with the dtypes of the training frame."""
    import pandas as pd

    return pd.DataFrame({column.name: _to_pandas(table[column.name], column) for column in schema.kept})


def _pandas_fields(series: Any) -> dict[str, Any]:
    """The fields of a schema's column that bring a sampled column back to this dtype."""
    dtype: Any = series.dtype
    if not hasattr(dtype, "categories"):
        return {"dtype": str(dtype)}
    categories = list(dtype.categories)
    plain = all(isinstance(category, (str, int, float, bool)) for category in categories)
    return {"dtype": "category", "categories": categories if plain else None, "ordered": bool(dtype.ordered)}


def _to_pandas(array: "pa.ChunkedArray", column: "Column") -> "pd.Series":
    import pandas as pd

    if column.dtype == "category":
        return array.to_pandas().astype(pd.CategoricalDtype(column.categories, column.ordered))
    dtype: Any = pd.api.types.pandas_dtype(column.dtype) if column.dtype else None
    if hasattr(dtype, "__from_arrow__"):  # dtypes of pandas that hold missing values beside whole numbers
        return pd.Series(dtype.__from_arrow__(array))
    series = array.to_pandas()
    return series if dtype is None else series.astype(dtype)
