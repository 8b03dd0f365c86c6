"""`CTGAN` with the public interface of the package ctgan 0.12.1: one import changes, the script stays.

    from gans.compat.ctgan import CTGAN    # was: from ctgan import CTGAN

Only the interface is theirs. Training and sampling are `+experiment=ctgan` (Xu et al. 2019, arXiv:1907.00503).
"""

import contextlib
import dataclasses
import io
import json
import logging
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gans.compat.tables import discrete_names, frame_of, kinds_of, relations_of, varies
from gans.errors import UserError, nearest
from gans.files import temporary_folder

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from gans.config.run import Run
    from gans.data.frames import Frame
    from gans.sampling.sampler import Sampler

log = logging.getLogger("gans")

EXPERIMENT = "ctgan"
HOLDOUT = 1e-9  # a share so small that a single row is held out
STATE = "ctgan.json"


class CTGAN:
    """Conditional GAN for tables.

    As in `model = CTGAN(epochs=10)`, `model.fit(frame, ["city"])`, `model.sample(1000)`. Where it does more than asked:
    missing values and dates are learned, every row of a conditional draw holds the value, relations between columns are
    kept. One row of the table is held out.

    Attributes:
        pac: rows that the discriminator judges together.
        loss_values: a frame with the columns Epoch, Generator Loss, Discriminator Loss (means over the epoch).
        random_states: what seeds are drawn from; None for numpy's global generator.

    Raises:
        AssertionError: the batch size is odd.
    """

    def __init__(
        self,
        embedding_dim: int = 128,
        generator_dim: Sequence[int] = (256, 256),
        discriminator_dim: Sequence[int] = (256, 256),
        generator_lr: float = 2e-4,
        generator_decay: float = 1e-6,
        discriminator_lr: float = 2e-4,
        discriminator_decay: float = 1e-6,
        batch_size: int = 500,
        discriminator_steps: int = 1,
        log_frequency: bool = True,
        verbose: bool = False,
        epochs: int = 300,
        pac: int = 10,
        enable_gpu: bool = True,
        cuda: bool | None = None,
    ) -> None:
        if batch_size % 2:
            raise AssertionError(f"batch_size={batch_size}: it must be even.")
        if cuda is not None:
            warnings.warn("`cuda` is deprecated; use `enable_gpu`.", FutureWarning, stacklevel=2)
            enable_gpu = cuda
        self._arguments: dict[str, Any] = {
            "embedding_dim": embedding_dim,
            "generator_dim": list(generator_dim),
            "discriminator_dim": list(discriminator_dim),
            "generator_lr": generator_lr,
            "generator_decay": generator_decay,
            "discriminator_lr": discriminator_lr,
            "discriminator_decay": discriminator_decay,
            "batch_size": batch_size,
            "discriminator_steps": discriminator_steps,
            "log_frequency": log_frequency,
            "verbose": verbose,
            "epochs": epochs,
            "pac": pac,
            "enable_gpu": enable_gpu,
        }
        self.pac = pac
        self.loss_values: pd.DataFrame | None = None
        self.random_states: np.random.RandomState | None = None
        self._device = "gpu" if enable_gpu else "cpu"
        self._sampler: Sampler | None = None
        self._run_dir = b""
        self._labels: list[Any] | None = None  # of models that were saved by earlier versions
        self._array: str | None = None

    def fit(
        self, train_data: "pd.DataFrame | np.ndarray", discrete_columns: Iterable[Any] = (), epochs: int | None = None
    ) -> None:
        """Train on a table.

        Args:
            train_data: a frame, or an array [rows, columns].
            discrete_columns: names of the columns that are categories; of an array, their places.
            epochs: deprecated; instead of those of the constructor.

        Raises:
            TypeError: the data is neither frame nor array, or a column that is not discrete holds text.
            ValueError: a discrete column is not in the table, or an argument is out of range.
            AssertionError: the batch size is no multiple of pac.
        """
        from gans.data.detection import normalise
        from gans.data.frames import read_frame
        from gans.tracking.log import set_up_log

        if epochs is not None:
            warnings.warn("`epochs` of `fit` is deprecated; give it to CTGAN.", DeprecationWarning, stacklevel=2)
        frame = frame_of(train_data)
        discrete = discrete_names(list(frame.columns), list(discrete_columns))
        if self.pac < 1:
            raise ValueError(f"pac={self.pac}: it must be at least 1.")
        if self._arguments["batch_size"] % self.pac:
            raise AssertionError(
                f"batch_size={self._arguments['batch_size']}: it must be a multiple of pac={self.pac}."
            )
        set_up_log()
        with _value_errors():
            read = read_frame(frame)
            table = normalise(read.table)
            kinds = kinds_of(table, discrete, read.kinds)
            per_epoch, run = self._run(table, kinds, epochs)
            self._train(run, table, read, per_epoch)
        self._labels = None
        self._array = train_data.dtype.str if isinstance(train_data, np.ndarray) else None

    def _run(self, table: "pa.Table", kinds: dict[str, str], epochs: int | None) -> "tuple[int, Run]":
        """Steps of an epoch, and the run that the arguments stand for."""
        from gans.config.compose import compose

        given = self._arguments
        free = [] if varies(table, kinds) else ["condition=none", "term=[]"]
        run = compose([f"+experiment={EXPERIMENT}", "tracker.mode=disabled", *free])
        condition = {} if free else {"log_frequency": bool(given["log_frequency"])}
        rows = table.num_rows - max(1, round(HOLDOUT * table.num_rows))
        batch = min(given["batch_size"], rows // self.pac * self.pac)
        if batch == 0 < given["batch_size"]:
            raise ValueError(f"pac={self.pac}: the table has only {rows} training rows.")
        if batch < given["batch_size"]:
            log.warning("batch_size=%s: there are %s training rows; batches are %s", given["batch_size"], rows, batch)
        per_epoch = max(1, rows // max(1, batch))
        steps = per_epoch * (given["epochs"] if epochs is None else epochs)
        rhythm = {"block": per_epoch, "evaluate_every": max(1, steps), "checkpoint_every": max(1, steps), "keep": 1}
        return per_epoch, dataclasses.replace(
            run,
            seed=self._seed(),
            samples=min(rows, 1000),
            data=dataclasses.replace(
                run.data,
                holdout=HOLDOUT,
                kinds=kinds,
                drop=[],
                keep=list(kinds),
                limit=None,
                relations=relations_of(kinds),
            ),
            condition=dataclasses.replace(run.condition, **condition),
            network=dataclasses.replace(
                run.network,
                latent=given["embedding_dim"],
                generator_widths=given["generator_dim"],
                discriminator_widths=given["discriminator_dim"],
                pack=self.pac,
            ),
            optimizer=dataclasses.replace(
                run.optimizer,
                learning_rate=given["generator_lr"],
                weight_decay=given["generator_decay"],
                discriminator_learning_rate=given["discriminator_lr"],
                discriminator_weight_decay=given["discriminator_decay"],
            ),
            trainer=dataclasses.replace(
                run.trainer,
                steps=steps,
                batch_size=batch,
                critic_steps=given["discriminator_steps"],
                placement="jit",
                metrics=[],
                best="last",
                patience=None,
                evaluate_rows=10,
                **rhythm,
            ),
        )

    def _train(self, run: "Run", table: "pa.Table", read: "Frame", per_epoch: int) -> None:
        import pandas as pd

        from gans.runs.execute import execute
        from gans.runs.saved import SavedRun

        with temporary_folder("gans-ctgan-") as folder, _on(self._device):
            path = folder / "run"
            run = dataclasses.replace(run, run_dir=str(path))
            result = execute(run, table, self._arguments["verbose"], read.fields, frame=read.form)
            if result.status == "interrupted":
                raise KeyboardInterrupt
            if result.status == "diverged":
                raise ValueError(
                    f"training diverged at step {result.summary['steps']}; lower generator_lr and discriminator_lr."
                )
            lines = SavedRun.open(path).history
            self._sampler, self._run_dir = result.sampler, _zipped(path)
        self.loss_values = pd.DataFrame(
            {
                "Epoch": [int(line["step"]) // per_epoch - 1 for line in lines],
                "Generator Loss": [line["loss/generator"] for line in lines],
                "Discriminator Loss": [line["loss/discriminator"] for line in lines],
            }
        )

    def sample(self, n: int, condition_column: Any = None, condition_value: Any = None) -> "pd.DataFrame | np.ndarray":
        """Rows [n, columns] with the columns and dtypes of the training data; an array where that was one.

        Args:
            condition_column: a discrete column that holds `condition_value` in every row.

        Raises:
            AttributeError: the model is not fitted.
            ValueError: the column or the value does not exist, or the column is not discrete.
        """
        from gans.data.frames import to_frame

        sampler = self._fitted()
        where = {}
        if condition_column is not None and condition_value is not None:
            where = self._where(condition_column, condition_value)
        with _value_errors(), _on(self._device):
            table = sampler.sample(max(n, 1) if n >= 0 else n, self._seed(), where).slice(0, n)
        frame = to_frame(table, sampler.codec.schema)
        if self._labels is not None:
            frame = frame.set_axis(self._labels, axis=1)
        return frame if self._array is None else frame.to_numpy().astype(self._array)

    def _where(self, label: Any, value: Any) -> dict[str, Any]:
        from gans.data.frames import learnable_where

        schema = self._fitted().codec.schema
        ((name, value),) = learnable_where({label: value}, schema).items()
        names = [column.name for column in schema.columns]
        if name not in names:
            raise ValueError(f"The column_name `{name}` doesn't exist in the data.{nearest(name, names)}")
        column = schema[name]
        if column.role == "constant":
            if column.bounds != [value, value]:
                raise ValueError(f"The value `{value}` doesn't exist in the column `{name}`.")
            return {}
        if column.kind not in ("category", "boolean"):
            raise ValueError(f"The column_name `{name}` is not discrete; list it in discrete_columns of fit.")
        return {name: value}

    def save(self, path: str | Path) -> None:
        """Write the model as one file, a zip of its run directory. It holds no training row and no code.

        Raises:
            AttributeError: the model is not fitted.
        """
        from gans.files import write_atomic

        self._fitted()
        assert self.loss_values is not None
        state: dict[str, Any] = {
            "arguments": self._arguments,
            "array": self._array,
            "losses": self.loss_values.to_dict("list"),
        }
        if self.random_states is not None:
            name, numbers, *rest = self.random_states.get_state()
            state["random_states"] = [name, np.asarray(numbers).tolist(), *rest]
        whole = io.BytesIO(self._run_dir)
        with zipfile.ZipFile(whole, "a") as archive:
            archive.writestr(STATE, json.dumps(state, default=lambda value: value.item()))
        write_atomic(Path(path), lambda temporary: temporary.write_bytes(whole.getvalue()))

    @classmethod
    def load(cls, path: str | Path) -> "CTGAN":
        """Read what `save` wrote, on any machine.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no such file.
        """
        import pandas as pd

        from gans.artefacts import check_archive, parse_json, read_bytes, reading
        from gans.runs.saved import SavedRun

        Path(path).stat()  # FileNotFoundError
        try:
            with (
                reading(path, "a readable model"),
                temporary_folder("gans-ctgan-") as folder,
                zipfile.ZipFile(io.BytesIO(read_bytes(Path(path)))) as archive,
            ):
                check_archive(Path(path), archive)
                state = parse_json(archive.read(STATE))
                archive.extractall(folder)
                model = cls(**state["arguments"])
                (folder / STATE).unlink()
                with _on(model._device):
                    model._sampler = SavedRun.open(folder).sampler()
                model._run_dir = _zipped(folder)
                model._labels, model._array = state.get("labels"), state["array"]
                model.loss_values = pd.DataFrame(state["losses"])
                if "random_states" in state:
                    model.random_states = np.random.RandomState()
                    model.random_states.set_state(tuple(state["random_states"]))
        except UserError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise ValueError(
                f"{path}: CTGAN.save of gans did not write it ({reason}); fit models of other packages again."
            ) from None
        return model

    def set_random_state(self, random_state: Any) -> None:
        """Draw the seeds of `fit` and `sample` from this: a whole number, or a pair that starts with a RandomState.

        Raises:
            TypeError: it is something else.
        """
        if isinstance(random_state, tuple) and random_state and isinstance(random_state[0], np.random.RandomState):
            self.random_states = random_state[0]
        elif isinstance(random_state, (int, np.integer)):
            self.random_states = np.random.RandomState(random_state)
        elif random_state is None:
            self.random_states = None
        else:
            raise TypeError(f"`random_state` {random_state} expected to be an int or a tuple that holds a RandomState.")

    def set_device(self, device: Any) -> None:
        """Compute on "cpu", or on "gpu" ("cuda"): the GPU where there is one.

        Raises:
            RuntimeError: it is something else.
        """
        kind = str(device).lower().split(":")[0]
        if kind not in ("cpu", "gpu", "cuda"):
            raise RuntimeError(
                f"device={device}: allowed are cpu, gpu and cuda.{nearest(kind, ('cpu', 'gpu', 'cuda'))}"
            )
        self._device = "cpu" if kind == "cpu" else "gpu"

    def _seed(self) -> int:
        return int((self.random_states or np.random).randint(2**31 - 1))

    def _fitted(self) -> "Sampler":
        if self._sampler is None:
            raise AttributeError("the model is not fitted; call fit first.")
        return self._sampler


def _zipped(folder: Path) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return whole.getvalue()


@contextlib.contextmanager
def _value_errors() -> Iterator[None]:
    """Mistakes are ValueErrors, as callers of ctgan expect them."""
    try:
        yield
    except UserError as error:
        raise ValueError(str(error)) from None


@contextlib.contextmanager
def _on(device: str) -> Iterator[None]:
    """Compute on the CPU where that is asked for; in every thread, therefore not by jax.default_device."""
    import jax

    before = jax.config.jax_default_device  # pyright: ignore[reportAttributeAccessIssue]
    if device == "cpu":
        jax.config.update("jax_default_device", jax.devices("cpu")[0])
    try:
        yield
    finally:
        jax.config.update("jax_default_device", before)
