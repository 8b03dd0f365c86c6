"""A private run: all that it leaves follows from the declared domain, what the ledger answered, and randomness.

No row is held out, no score chooses among generators, no page shows a real row: each would be a look at the rows that
the ledger does not have.
"""

import dataclasses
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from gans.artefacts import check_bytes
from gans.config.components import component_name
from gans.config.run import Run
from gans.config.stored import to_yaml
from gans.data.base import Source
from gans.data.codecs import FittedCodec
from gans.data.detection import normalise
from gans.data.domain import SHIPPED, Domain
from gans.data.private_bins import bend_bins
from gans.data.private_domain import settle
from gans.data.schema import Schema
from gans.errors import UserError, nearest
from gans.files import write_table, write_text
from gans.privacy.base import DifferentialPrivacy
from gans.privacy.ledger import Ledger
from gans.privacy.rows import PrivateRows
from gans.runs.build import build
from gans.runs.files import RunFiles
from gans.runs.private_fits import FITS, Fit
from gans.runs.provenance import sign_run
from gans.runs.spending import remember
from gans.runs.versions import commit, versions
from gans.sampling.marginals import Marginal, Marginals
from gans.sampling.sampler import Sampler
from gans.tracking.terminal import Terminal
from gans.training.checkpoints import Checkpoints
from gans.training.loop import COMPLETED
from gans.training.marginal_matching import Measurements

log = logging.getLogger("gans")

COPIES = 64  # bytes that a pair of cells takes in counts, answers, weights and their gradients
VALUES = 64  # of a bin, that a condition on a range can name


@dataclass(kw_only=True)
class PrivateResults:
    """What a private run leaves, for its page.

    Attributes:
        ledger: as privacy.json has it.
        measured: by column the noisy share of each cell, and that of the generated rows.
        synthetic: the generated rows.
        given: whether its table was given in memory, so that the config does not name it.
    """

    name: str
    config: str
    summary: dict[str, Any]
    schema: Schema
    domain: Domain
    ledger: dict[str, Any]
    measured: dict[str, tuple[np.ndarray, np.ndarray]]
    synthetic: pa.Table
    given: bool = False


def declared_domain(privacy: DifferentialPrivacy, source: Source) -> Domain:
    """The domain that a run names, or the shipped one of its data.

    Raises:
        UserError: there is none, or it declares no domain.
    """
    shipped = sorted(path.stem for path in SHIPPED.glob("*.yaml"))
    own = Path(getattr(source, "file", "")).stem or component_name("data", type(source))
    name = privacy.domain or own
    if name in shipped:
        return Domain.read(SHIPPED / f"{name}.yaml")
    if privacy.domain is None:
        raise UserError(
            f"privacy.domain is not set, and none is shipped for data={own} (there are {', '.join(shipped)}); declare "
            "the columns in a file (`gans domain` drafts one) and set privacy.domain=FILE.yaml."
        )
    if Path(name).suffix not in (".yaml", ".yml"):
        raise UserError(f"privacy.domain={name}: a .yaml file, or one of {', '.join(shipped)}.{nearest(name, shipped)}")
    return Domain.read(Path(name).expanduser())


def train_privately(run: Run, rows: pa.Table, files: RunFiles, terminal: Terminal) -> tuple[Sampler, PrivateResults]:
    """Ask, fit, sample and write; `rows` are read here and go nowhere but into `PrivateRows`.

    Raises:
        UserError: a row is outside the declared domain, or the config does not fit.
    """
    plan: Any = run.privacy
    domain = declared_domain(plan, run.data)
    if run.data.kinds:
        log.info("data.kinds is not read: the kinds are those of the domain")
    rows = domain.without_dropped(rows)
    ledger = Ledger(plan.epsilon, plan.delta)
    additive = not plan.samples and domain.settled  # so that the rho of runs on the same rows add up
    if not domain.settled:
        domain.check_names(rows)
        remember(rows, ledger, additive, files.folder)
        domain = settle(domain, rows, ledger, plan.cells)
    codec = domain.codec()
    levels = sum(codec.layout.cardinalities)
    check_bytes(f"privacy.domain: the counts of all pairs of {levels:,} cells", COPIES * levels**2)
    encoded = domain.encode(rows, codec)
    config = to_yaml(dataclasses.replace(run, run_dir=str(files.folder)))
    condition = run.condition.fit(codec, codec.empty(1))
    gan = build(run, condition)
    if not ledger.entries:  # nothing was asked yet
        remember(rows, ledger, additive, files.folder)
    if plan.within:
        bend_bins(codec, encoded, ledger, plan.within * ledger.rho)
    del rows
    private = PrivateRows(encoded.codes, codec.layout.cardinalities, names_by_code(codec), ledger)
    started = time.monotonic()
    terminal.turn("train", f"by {component_name('privacy', type(plan))}")
    fit = FITS[type(plan)](run, gan, private, encoded.codes, lambda share: terminal.part("%", round(100 * share), 100))
    seconds, measured = time.monotonic() - started, fit.measured
    if plan.delta > 1 / measured.rows:
        log.warning(
            "privacy.delta=%g: it is above one in the rows, of which there are about %s; to publish a row at random "
            "would keep it. Set it far below.",
            plan.delta,
            f"{measured.rows:,.0f}",
        )
    terminal.turn("write")
    sampler = Sampler(
        gan, codec, condition, private_marginals(codec, measured, fit.answers), {"params": fit.parameters}
    )
    write_text(files.config, config)
    codec.schema.write(files.schema)
    domain.write(files.domain)
    ledger.write(files.privacy)
    sign_run(files)
    codec.save(files.codec)
    condition.save(files.condition)
    sampler.marginals.save(files.marginals)
    _checkpoint(files, sampler.parameters, fit.steps, seconds)
    count = run.sample_rows(round(measured.rows))
    terminal.turn("sample", f"{count:,} rows")
    synthetic = sampler.sample(count, run.seed)
    terminal.turn("write")
    write_table(files.samples, synthetic)
    spent = terminal.stage_seconds()
    spent.pop("read_seconds", None)  # which goes with the number of rows
    summary = _summary(run, ledger, fit, seconds) | spent
    write_text(files.summary, json.dumps(summary, indent=1) + "\n")
    return sampler, PrivateResults(
        name=run.name,
        config=config,
        summary=summary,
        schema=codec.schema,
        domain=domain,
        ledger=ledger.to_json(),
        measured=_shares(codec, measured, fit.answers),
        synthetic=synthetic,
    )


def names_by_code(codec: FittedCodec) -> list[str]:
    """The columns in the order of their codes."""
    return [fitted.column.name for fitted in sorted(codec.columns, key=lambda fitted: fitted.code)]


def private_table(run: Run, table: pa.Table | None) -> pa.Table:
    """The rows of a private run: all of them, without the columns that are left out.

    Raises:
        UserError: the table cannot be read, or a column to be left out is not there.
    """
    whole = normalise(run.data.read() if table is None else table)
    for name in run.data.drop:
        if name not in whole.column_names:
            raise UserError(f"data.drop: column '{name}' is not in the table.{nearest(name, whole.column_names)}")
    return whole.drop_columns(run.data.drop)


def private_marginals(codec: FittedCodec, measured: Measurements, answers: np.ndarray) -> Marginals:
    """The values of each column that a `where` can name, as often as the generator gives them."""
    columns = []
    for fitted in codec.columns:
        counts = answers[measured.span(fitted.code)] * measured.rows
        if fitted.scalar < 0:
            codes = np.arange(fitted.cardinality, dtype=np.int32)
            columns.append(Marginal(np.zeros(len(codes), np.float32), codes, _whole(counts)))
            continue
        scalars, codes, own = [], [], []
        for code in range(fitted.cardinality):
            within = (
                np.linspace(-1, 1, VALUES, dtype=np.float32) if code < len(fitted.knots) else np.zeros(1, np.float32)
            )
            rows = codec.empty(len(within))
            rows.scalars[:, fitted.scalar], rows.codes[:, fitted.code] = within, code
            times = np.ones(1, int)
            if code < len(fitted.knots):
                _, first, times = np.unique(fitted.decode_numbers(rows), return_index=True, return_counts=True)
                within = within[first]
            scalars.append(within)
            codes.append(np.full(len(within), code, np.int32))
            own.append(counts[code] * times / times.sum())
        columns.append(Marginal(np.concatenate(scalars), np.concatenate(codes), _whole(np.concatenate(own))))
    return Marginals(codec, columns)


def _whole(counts: np.ndarray) -> np.ndarray:
    """Counts of at least 1, as those of values that a table has."""
    return np.maximum(np.rint(counts), 1).astype(np.int64)


def _checkpoint(files: RunFiles, parameters: Any, step: int, seconds: float) -> None:
    best = {
        "generator": jax.tree.map(lambda leaf: np.asarray(leaf)[None], parameters),
        "step": np.full(1, step, np.int64),
        "value": np.full(1, np.nan),
    }
    checkpoints = Checkpoints(files.checkpoints, 1)
    try:
        checkpoints.save(step, {"best": best}, {"seconds": seconds})
        checkpoints.wait()
    finally:
        checkpoints.close()


def _summary(run: Run, ledger: Ledger, fit: Fit, seconds: float) -> dict[str, Any]:
    return {
        "status": COMPLETED,
        "name": run.name,
        "steps": fit.steps,
        "looks": sum(entry.times for entry in ledger.entries),
        "seconds": round(seconds, 2),
        "seed": run.seed,
        "privacy": ledger.to_json()["guarantee"],
        "rows": {"estimated": round(fit.measured.rows)},
        "scores": {},
        "versions": versions(),
        "commit": commit(),
    }


def _shares(
    codec: FittedCodec, measured: Measurements, answers: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        fitted.column.name: (measured.single[here] / measured.rows, answers[here])
        for fitted in codec.columns
        for here in [measured.span(fitted.code)]
    }
