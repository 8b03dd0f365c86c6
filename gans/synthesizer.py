"""The notebook API: a frame in, a synthetic frame out, and everything that the commands say of a run."""

import copy
import dataclasses
import datetime
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from gans.errors import UserError, in_range
from gans.files import temporary_folder
from gans.tracking.log import set_up_log, silenced

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from gans.config.run import Run
    from gans.data.base import Source
    from gans.data.frames import Frame
    from gans.histories.saved import SavedHistories
    from gans.notebook.shown import Augmented, Finding, Judged, Page
    from gans.runs.execute import Result
    from gans.sampling.sampler import Sampler

    Rows = str | Path | pd.DataFrame | pl.DataFrame | pa.Table


UNPICKLED = ("_sampler", "_given", "_logs", "_histories")  # compiled programs, and rows


class Synthesizer(BaseEstimator):
    """A generator of rows like those of a frame, as an estimator of scikit-learn.

    As in `Synthesizer().fit(frame).sample(1000)`, or `Synthesizer(experiment="cgan",
    overrides=["condition.columns=[churned]"]).fit(frame)`, then `.sample(1000, where={"churned": "yes"})`. Parameters
    are checked by `fit`.

    Args:
        experiment: a file of conf/experiment; the flagship for tables unless given.
        overrides: as on the command line, such as "trainer.steps=2000".
        run_dir: where the run is written; a temporary folder unless given. `save` copies it.
        progress: show what was found in the table, and progress bars.
        kinds: of columns that detection got wrong, as data.kinds on the command line, by their names in the frame.
        formats: of dates and times in text, as strftime has them, by column: {"paid": "%d/%m/%Y"}. Found unless given.
        metadata: what SDV knows of the table, JSON V1: a dict, the path of a file, or an object with `to_dict`.
            `kinds` and `formats` go before it.

    Attributes:
        run_dir_: the folder of the run.
        summary_: its summary.
    """

    run_dir_: Path
    summary_: dict[str, Any]
    _sampler: "Sampler"
    _given: "tuple[Source, pa.Table] | None" = None  # what it was fitted on in this process
    _library: str = ""  # of the frames of customers with events; "" of a table
    _histories: "SavedHistories | None" = None  # opened by the first draw
    _logs: "Mapping[str, pa.Table] | None" = None  # what histories were learned from in this process

    def __init__(
        self,
        *,
        experiment: str = "tabular",
        overrides: Sequence[str] = (),
        run_dir: str | Path | None = None,
        progress: bool = True,
        kinds: Mapping[Any, str] | None = None,
        formats: Mapping[Any, str] | None = None,
        metadata: Any = None,
    ) -> None:
        self.experiment = experiment
        self.overrides = overrides
        self.run_dir = run_dir
        self.progress = progress
        self.kinds = kinds
        self.formats = formats
        self.metadata = metadata

    def fit(
        self, frame: "pd.DataFrame | pl.DataFrame | pa.Table | Mapping[str, Any] | None" = None, y: Any = None
    ) -> "Synthesizer":
        """Train on a frame.

        Args:
            frame: the real rows, of pandas, polars or Arrow; an index is not learned. Without one the table is that
                which `overrides` name, such as "data=households" or "data=table" with "data.path=customers.csv". With
                experiment="histories" frames by name: {"orders": frame}, also "views", "social" and "customers".
            y: is not used; scikit-learn passes it.

        Raises:
            UserError: the frame, the metadata or an override does not fit; or training diverged.
        """
        from gans.config.compose import compose
        from gans.data.customer_histories import Histories
        from gans.histories.execute import execute_histories
        from gans.notebook.histories import tables_of
        from gans.report.page import report_run
        from gans.runs.execute import execute

        del y
        set_up_log()
        path = Path(self.run_dir) if self.run_dir is not None else Path(tempfile.mkdtemp(prefix="gans-")) / "run"
        run: Run = compose([f"+experiment={self.experiment}", "tracker.mode=disabled", *self.overrides])
        if run.trainer.resume:
            raise UserError("trainer.resume=true: fit starts a new run; gans train resumes one.")
        run, given, tables = dataclasses.replace(run, run_dir=str(path)), None, None
        with silenced(not self.progress):
            if isinstance(run.data, Histories):
                if self.kinds or self.formats or self.metadata is not None:
                    raise UserError(
                        "kinds, formats and metadata go with one table; of histories name kinds in overrides, as in "
                        '["data.kinds.zip=category"].'
                    )
                tables, self._library = (None, "pandas") if frame is None else tables_of(frame)
                result = execute_histories(run, tables, self.progress, report_run)
            elif frame is None:
                self._check_source()
                result = execute(run, None, self.progress, report=report_run)
            else:
                read, data = self._read(frame, run)
                run, given = dataclasses.replace(run, data=data), (data, read.table)
                result = execute(run, read.table, self.progress, read.fields, report_run, frame=read.form)
        self._check_end(result, path)
        self._set(result.sampler, path, result.summary)
        self._given, self._logs = None if run.privacy.private else given, tables
        return self

    def _check_source(self) -> None:
        """Raise UserError where there is neither a frame nor an override that names a table."""
        if not any(override.lstrip("+").startswith("data=") for override in self.overrides):
            raise UserError(
                'frame is not set: fit takes a frame, or overrides name a table, as in ["data=households"] or '
                '["data=table", "data.path=customers.csv"].'
            )
        if self.kinds or self.formats or self.metadata is not None:
            raise UserError("kinds, formats and metadata go with a frame; overrides have data.kinds and data.formats.")

    def _read(self, frame: Any, run: "Run") -> "tuple[Frame, Source]":
        """The frame as a table that can be learned, and the source of the run with what was found of its columns."""
        from gans.compat.sdv import conform, schema_of
        from gans.data.frames import read_frame, read_times, text_name

        named = {**run.data.kinds, **{text_name(label): kind for label, kind in (self.kinds or {}).items()}}
        described = {} if self.metadata is None else schema_of(self.metadata)
        unlearned = [name for name, kind in {**described, **named}.items() if kind in ("id", "text")]
        read = read_frame(frame, [*run.data.drop, *unlearned])
        formats = {text_name(label): pattern for label, pattern in (self.formats or {}).items()}
        declared = read.table.column_names if run.privacy.private else ()  # by the domain
        fixed = dict.fromkeys([*described, *run.data.drop, *declared], "fixed") | named
        read_times(read, fixed, formats)
        named |= dict.fromkeys(formats, "datetime")
        drop, kinds = [*run.data.drop, *read.unread], {**read.kinds, **named}
        personal = run.data.personal
        if self.metadata is not None:
            found = conform(self.metadata, read.table, named)
            asked = (*run.data.keep, *run.data.fake)
            drop = [*drop, *(name for name in found.drop if name not in asked)]
            read.table, kinds, personal = found.table, found.kinds, {**found.personal, **personal}
            for name, pattern in found.formats.items():
                read.fields[name]["format"] = pattern
        read.check_kinds(kinds)
        return read, dataclasses.replace(run.data, kinds=kinds, drop=drop, personal=personal)

    def _check_end(self, result: "Result", path: Path) -> None:
        """Raise what says that training did not complete."""
        if result.status == "interrupted":
            from gans.config.names import shell_quoted

            where = shell_quoted(f"run_dir={path}")
            raise KeyboardInterrupt(f"saved; resume with: gans train {where} trainer.resume=true")
        if result.status == "diverged":
            raise UserError(f"training diverged at step {result.summary['steps']}; lower optimizer.learning_rate.")

    def sample(
        self,
        n: int,
        where: Mapping[Any, Any] | str | None = None,
        seed: int = 0,
        *,
        relations: Sequence[str] = (),
        refine: bool = True,
    ) -> Any:
        """A frame [n, columns] of the library, and with the columns, dtypes and missing values, of the training frame.

        Of histories a frame of n customers and one of each log, by name.

        Args:
            where: what columns may hold, by name: a value, several (any of them), or slice(low, high); or a text, as
                `python -m gans.sample` takes it: "age >= 30 and age < 45 and segment in ('a', 'b')".
            seed: the same seed gives the same rows.
            relations: further ones that rows must hold, such as "start <= end".
            refine: False for rows as the generator makes them, faster where the run has a refinement.

        Raises:
            NotFittedError: before `fit`.
            UserError: n is no whole number of at least 1, seed none of at least 0; `where` names a column that is not
                there, cannot hold, or too few rows fit.
        """
        from gans.data.frames import to_frame
        from gans.data.relations import parse_relation
        from gans.notebook.options import whole

        sampler = copy.copy(self._fitted())
        n, seed = whole("n", n), whole("seed", seed)
        in_range("n", n, 1)
        if self._library:
            from gans.histories.saved import SavedHistories
            from gans.notebook.histories import drawn_frames

            if relations or not refine:
                raise UserError("relations and refine go with tables; customers with events take n, where and seed.")
            if self._histories is None:
                self._histories = SavedHistories.open(self.run_dir_)  # what it compiles serves the next draw, too
            return drawn_frames(self._histories, n, where, seed, self._library)
        if not refine:
            sampler.refinement = None
        rows = sampler.sample(n, seed, self._learnable(where), [parse_relation(text) for text in relations])
        return to_frame(rows, sampler.codec.schema)

    def evaluate(
        self,
        test: "Rows | None" = None,
        *,
        real: "Rows | None" = None,
        synthetic: "Rows | None" = None,
        target: str | None = None,
        secrets: Sequence[str] | None = None,
        metrics: str | None = None,
        members: str | None = None,
        draws: int | None = None,
        n: int | None = None,
        anonymeter: str | None = None,
        network: str | None = None,
        retrain: bool | None = None,
        trust: bool | None = None,
        out: str | Path | None = None,
        language: str | None = None,
    ) -> "Judged":
        """Judge synthetic rows, as `python -m gans.evaluate run=DIR` does: how real, how useful, how private they are.

        `.scores` is a frame, `.verdict` says it in sentences, and a notebook shows both. evaluation.json and a section
        of report.html are written to the folder of the run, or to `out`.

        Args:
            test: real rows that nothing was learned from, a frame or a file; the run's held-out ones unless given.
            real: the rows that were trained on, where the run does not know them: of a model that was loaded.
            synthetic: rows to judge in place of the run's samples.
            target: the column that models should predict; that of the run (data.target) unless given.
            secrets: columns that an attacker would like to know.
            metrics: "fast", "standard" (unless given) or "full".
            members: "all" for every seed of the run beside the best one.
            draws: samples of each seed, 1 unless given.
            n: rows of a sample; as many as samples.parquet has unless given.
            anonymeter: a Python interpreter that has the package anonymeter.
            network: for images, "digits" or a TorchScript file.
            retrain: train again on half of the training rows, and attack that generator with the other half.
            trust: read what the config of a run names that was not made on this machine.
            out: folder for evaluation.json and report.html.
            language: of the page and the sentences, "en" or "zh"; that of the run unless given.

        Raises:
            NotFittedError: before `fit`.
            UserError: as the command.
        """
        from gans.notebook.answers import judged

        given = {"target": target, "secrets": secrets, "metrics": metrics, "members": members, "draws": draws, "n": n}
        given |= {"anonymeter": anonymeter, "network": network, "retrain": retrain, "language": language}
        if self._library:
            for key, value in (("test", test), ("real", real), ("synthetic", synthetic)):
                if not (value is None or isinstance(value, (str, Path))):
                    raise UserError(
                        f"{key}: of customers with events the path of a folder is needed, which holds "
                        "customers.parquet and a file for each log."
                    )
        with silenced(not self.progress):
            return judged(*self._asked(given, test, real, synthetic, trust, out), self._logs)

    def report(self) -> "Page":
        """The page about the run, which a notebook shows; `.path` is the file, `.save(path)` copies it.

        Raises:
            NotFittedError: before `fit`.
            UserError: the run has none.
        """
        from gans.notebook.answers import report_page

        self._fitted()
        return report_page(self.run_dir_)

    def personas(
        self,
        k: int | None = None,
        *,
        test: "Rows | None" = None,
        real: "Rows | None" = None,
        synthetic: "Rows | None" = None,
        trust: bool | None = None,
        out: str | Path | None = None,
        language: str | None = None,
    ) -> "Finding":
        """Segments of the synthetic customers, as `python -m gans.personas` finds them: a row each in `.table`.

        Args:
            k: number of segments; that of the least ICL, 2 to 10, unless given.
            test: as for `evaluate`.
            real: as for `evaluate`.
            synthetic: as for `evaluate`.
            trust: as for `evaluate`.
            out: folder for personas.html and personas.csv; the run's unless given.
            language: of the page and the sentences, "en" or "zh"; that of the run unless given.

        Raises:
            NotFittedError: before `fit`.
            UserError: as the command.
        """
        from gans.notebook.answers import segments

        self._check_table("personas")
        with silenced(not self.progress):
            return segments(*self._asked({"k": k, "language": language}, test, real, synthetic, trust, out))

    def use(
        self,
        scenario: str,
        *,
        target: str | None = None,
        positive: str | None = None,
        cost: float | None = None,
        margin: float | None = None,
        shortages: Sequence[float] | None = None,
        steps: int | None = None,
        of: str | None = None,
        by: str | None = None,
        where: str | None = None,
        k: int | None = None,
        secrets: Sequence[str] | None = None,
        test: "Rows | None" = None,
        real: "Rows | None" = None,
        synthetic: "Rows | None" = None,
        trust: bool | None = None,
        out: str | Path | None = None,
        language: str | None = None,
    ) -> "Finding":
        """Put synthetic customers to a use, beside real rows alone, as `python -m gans.use` does.

        Args:
            scenario: "marketing", "risk", "product", "research" or "privacy".
            target: the column that is asked about; that of the run (data.target) unless given.
            positive: the level of the target that counts as yes; of two the rarer one unless given.
            cost: of a contact; for marketing.
            margin: of a response, in the same currency; for marketing.
            shortages: shares of the bad training cases that are kept; for risk.
            steps: of training on the smaller tables, those of the run unless given; for risk.
            of: the column of a preference; for product.
            by: the column of the segments; for product.
            where: a what-if condition, in text; for product.
            k: number of segments; for research.
            secrets: columns that an attacker would like to know; for privacy.
            test: as for `evaluate`.
            real: as for `evaluate`.
            synthetic: as for `evaluate`.
            trust: as for `evaluate`.
            out: folder for use_SCENARIO.html and .json; the run's unless given.
            language: of the page and the sentences, "en" or "zh"; that of the run unless given.

        Raises:
            NotFittedError: before `fit`.
            UserError: as the command.
        """
        from gans.notebook.answers import answered

        self._check_table("use")
        given = {"scenario": scenario, "target": target, "positive": positive, "cost": cost, "margin": margin}
        given |= {
            "shortages": shortages,
            "steps": steps,
            "of": of,
            "by": by,
            "where": where,
            "k": k,
            "language": language,
        }
        with silenced(not self.progress):
            return answered(*self._asked(given | {"secrets": secrets}, test, real, synthetic, trust, out))

    def augment(
        self,
        target: str | None = None,
        how: str = "balance",
        *,
        n: int | None = None,
        test: "Rows | None" = None,
        real: "Rows | None" = None,
        trust: bool | None = None,
        out: str | Path | None = None,
        language: str | None = None,
    ) -> "Augmented":
        """Balance the classes of a table, or grow it, as `python -m gans.augment` does, and whether a model gains.

        `.rows` are those that were added, `.whole` has the training rows above them.

        Args:
            target: the column that a model predicts; that of the run (data.target) unless given.
            how: "balance" (each class as large as the largest one) or "grow" (n rows more).
            n: of grow; as many as there are unless given.
            test: as for `evaluate`.
            real: as for `evaluate`.
            trust: as for `evaluate`.
            out: a .csv or .parquet file for `.whole`.
            language: of the page and the sentences, "en" or "zh"; that of the run unless given.

        Raises:
            NotFittedError: before `fit`.
            UserError: as the command.
        """
        from gans.notebook.answers import grown

        self._check_table("augment")
        with silenced(not self.progress):
            given = {"target": target, "n": n, "language": language}
            return grown(*self._asked(given, test, real, None, trust, out), how)

    def events(
        self,
        n: int = 1000,
        reference: str | datetime.date | None = None,
        where: Mapping[Any, Any] | None = None,
        seed: int = 0,
        *,
        out: str | Path | None = None,
        language: str | None = None,
    ) -> dict[str, Any]:
        """Event histories of new synthetic customers, as `python -m gans.events` draws them: frames by name.

        The run must be of histories, whose events are learned, or of profiles: of `gans.profiles`, or data=profiles.

        Args:
            n: customers.
            reference: the date of the profiles, up to which events go; that of the run (data.reference) unless given.
            where: what profiles may hold, as for `sample`.
            seed: of the profiles and the events.
            out: an empty folder for the same as .parquet files, and events.html.
            language: of the page and the sentences, "en" or "zh"; that of the run unless given.

        Raises:
            NotFittedError: before `fit`.
            UserError: as the command.
        """
        from gans.notebook.answers import event_logs
        from gans.notebook.options import whole

        self._fitted()
        if self._library:
            if reference is not None or out is not None:
                raise UserError("reference and out go with profiles; learned events end when their logs did.")
            return self.sample(n, where, seed)
        date = reference.isoformat() if isinstance(reference, datetime.date) else reference
        folder = None if out is None else str(out)
        with silenced(not self.progress):
            asked = whole("n", n), date, self._learnable(where), whole("seed", seed), folder, language
            return event_logs(self.run_dir_, *asked)

    def to_metadata(self, table_name: str = "table") -> dict[str, Any]:
        """The columns of the training frame as metadata of SDV, JSON V1.

        Raises:
            NotFittedError: before `fit`.
            UserError: a column holds images.
        """
        from gans.compat.sdv import metadata_of

        self._check_table("to_metadata")
        return metadata_of(self._fitted().codec.schema, table_name)

    def save(self, path: str | Path) -> None:
        """Copy the run directory to `path`. It holds no training row.

        Raises:
            NotFittedError: before `fit`.
            UserError: the path exists.
        """
        self._copy(path)

    def save_pretrained(self, path: str | Path) -> None:
        """As `save`, with a README.md, the model card, and .gitattributes: the layout of Hugging Face. Nothing is sent.

        Raises:
            NotFittedError: before `fit`.
            UserError: the path exists.
        """
        from gans.notebook.hub_folder import write_layout

        self._copy(path, write_layout)

    def _copy(self, path: str | Path, add: Callable[[Path], None] | None = None) -> None:
        """Copy the run directory, and add files to the copy before it is there."""
        self._fitted()
        path = Path(path).expanduser()
        if path.exists():
            raise UserError(f"{path} exists; choose another path.")
        if not path.absolute().parent.is_dir():
            raise UserError(f"{path}: there is no folder {path.parent}.")
        with temporary_folder(f".{path.name}-", path.parent) as folder:
            shutil.copytree(self.run_dir_, folder / "run")
            if add is not None:
                add(folder / "run")
            (folder / "run").rename(path)

    @classmethod
    def load(cls, path: str | Path) -> "Synthesizer":
        """Read a run directory, one of `save` or of `python -m gans.train`; its config has how it was trained.

        Args:
            path: the folder; the beginning of its name; or "last" for the newest completed run below runs/.

        Raises:
            UserError: it is no run directory, or holds no trained generator.
        """
        from gans.histories.saved import SavedHistories, is_histories
        from gans.runs.find import find_run
        from gans.runs.saved import SavedRun

        found = find_run(str(path), "path")
        if is_histories(Path(found)):
            whole = SavedHistories.open(found)
            out = cls(experiment="histories")._set(whole.people.sampler(), whole.folder, whole.people.summary)
            out._library = "pandas"
            return out
        saved = SavedRun.open(found, "path")
        return cls(experiment=saved.run.name)._set(saved.sampler(), saved.folder, saved.summary)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_sampler")

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: no training row, and of what was trained the folder, which has to stay where it is."""
        state: Any = super().__getstate__()
        kept = {key: value for key, value in state.items() if key not in UNPICKLED}
        return kept | ({"run_dir_": self.run_dir_.absolute()} if self.__sklearn_is_fitted__() else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the folder of the run again.

        Raises:
            UserError: it is not there.
        """
        super().__setstate__(state)
        if "run_dir_" in state:
            if not self.run_dir_.is_dir():
                raise UserError(
                    f"{self.run_dir_}: no such folder. A pickle only names the folder of its run; use save and load to "
                    "take a model elsewhere."
                )
            self._sampler = Synthesizer.load(self.run_dir_)._sampler

    def _set(self, sampler: "Sampler", run_dir: Path, summary: dict[str, Any]) -> "Synthesizer":
        self._sampler, self.run_dir_, self.summary_, self._histories = sampler, run_dir, summary, None
        return self

    def _fitted(self) -> "Sampler":
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return self._sampler

    def _check_table(self, method: str) -> None:
        """Raise UserError where the model is of customers with their events, for what is of tables alone."""
        self._fitted()
        if self._library:
            raise UserError(
                f"{method} is of tables, and this model is of customers with their events. Make profiles of them, one "
                "row each, by gans.profiles, and fit these; or load the model of the customers alone: "
                f"gans.load({str(self.run_dir_ / 'customers')!r})."
            )

    def _learnable(self, where: Any) -> Any:
        """A condition with the names and values that the frame has, as the table has them."""
        from gans.data.frames import learnable_where

        return learnable_where(where, self._fitted().codec.schema) if isinstance(where, Mapping) else where

    def _asked(
        self, given: dict[str, Any], test: Any, real: Any, synthetic: Any, trust: Any, out: Any
    ) -> tuple[Path, dict[str, Any]]:
        """The run, and arguments as its commands have them; with the rows that it was fitted on in this process."""
        from gans.notebook.options import options

        schema = self._fitted().codec.schema
        tables = {"test": test, "real": real, "synthetic": synthetic}
        asked = options({**given, **tables, "trust": trust, "out": out}, schema)
        if self._given is not None:
            source, table = self._given
            training, holdout, _ = source.split(table)
            asked = {"real": training, "test": holdout, **asked}
        return self.run_dir_, asked


def load(path: str | Path) -> Synthesizer:
    """A Synthesizer of a run directory: one of `save`, `save_pretrained` or `python -m gans.train`.

    Args:
        path: the folder; the beginning of its name; or "last" for the newest completed run below runs/.

    Raises:
        UserError: it is no run directory, or holds no trained generator.
    """
    return Synthesizer.load(path)
