"""A federated run from its agreement to its sampled table, in a run directory that every other command reads."""

import dataclasses
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gans.artefacts import read_json
from gans.config.components import component_name
from gans.config.run import Run
from gans.config.stored import to_yaml
from gans.errors import UserError
from gans.evaluation.fidelity import Reference
from gans.federated.agreed import Agreed, new_token, write_settings, write_terms
from gans.federated.agreement import Description, described, pool
from gans.federated.messages import import_flower
from gans.federated.server import Server, Sites
from gans.federated.settings import Federation
from gans.federated.site_ledger import empty_ledger
from gans.files import write_table, write_text
from gans.findings.guarantee import guarantee_sentences
from gans.findings.model_card import FEDERATED
from gans.findings.sentence import Sentence
from gans.privacy.base import DifferentialPrivacy
from gans.report.model_card import Card
from gans.runs.calls import Call, record_call
from gans.runs.directory import check_run_directory, run_directory, stored_run
from gans.runs.files import RunFiles
from gans.runs.goals import best_values, goals
from gans.runs.prepare import prepare_split
from gans.runs.private import declared_domain, private_marginals
from gans.runs.private_fits import answers_of
from gans.runs.provenance import sign_run
from gans.runs.versions import commit, versions
from gans.tracking.base import RunEnd, RunStart
from gans.tracking.jsonl import JsonLines, read_lines
from gans.tracking.terminal import progress_bar, watched
from gans.tracking.trackers import Trackers, settled_loggers
from gans.tracking.weights_and_biases import new_id, settle_mode
from gans.training.checkpoints import Checkpoints
from gans.training.loop import COMPLETED, INTERRUPTED, signals
from gans.training.marginal_matching import Measurements
from gans.words import say

log = logging.getLogger("gans")


@dataclass
class FederatedResult:
    """What a federated run leaves: its folder and its summary."""

    run_dir: Path
    summary: dict[str, Any]


def settled(run: Run, federation: Federation) -> Run:
    """The run as a server without rows can have it: what is learned from whole rows of all sites is off.

    Raises:
        UserError: a part that needs them was asked for, or does not go together with sites.
    """
    kind, private = component_name("privacy", type(run.privacy)), run.privacy.private
    for key, chosen, allowed in (
        ("condition.columns", run.condition.names()[1:], "one column, since sites do not tell how values go together"),
        ("data.relations", [one for one in run.data.relations if one != "auto"], "none, for the same reason"),
        ("data.fake", run.data.fake, "none"),
        ("data.merge_rare", ["true"] * run.data.merge_rare, "false; federated.floor_rows says what is rare"),
        ("trainer.seeds", [run.trainer.seeds] * (run.trainer.seeds > 1), "1"),
        ("trainer.processes", [run.trainer.processes] * (run.trainer.processes > 1), "1"),
        (
            "trainer.snapshots",
            [run.trainer.snapshots] * (run.trainer.snapshots > 0),
            "0, since held-out rows stay at the sites",
        ),
        ("transfer.run", [run.transfer.run] * bool(run.transfer.run), "none"),
        ("privacy", [] if kind in ("none", "dp") else [kind], "none or dp"),
        ("federated.weights", [one for one in ("fed_tgan",) if private and one == federation.weights], "size, uniform"),
        (
            "federated.share",
            [one for one in ("discriminator",) if private and one == federation.share],
            "both, generator",
        ),
    ):
        if chosen:
            label = " in privacy=dp" if private and key.startswith("federated.") else ""
            raise UserError(f"{key}={chosen[0]}: sites that train together{label} take {allowed}.")
    from gans.registry import COMPONENTS

    if (refine := component_name("refine", type(run.refine))) != "none":
        log.info("refine=none in place of %s, which is learned from rows of all sites", refine)
    steps = federation.rounds * federation.local_steps
    if isinstance(run.privacy, DifferentialPrivacy) and run.privacy.within:
        log.info("privacy.within=0: sites do not bend bins to their rows")
        run = dataclasses.replace(run, privacy=dataclasses.replace(run.privacy, within=0.0))
    return dataclasses.replace(
        run,
        refine=COMPONENTS["refine"]["none"](),
        data=dataclasses.replace(run.data, relations=[]),
        trainer=dataclasses.replace(run.trainer, steps=steps, placement="jit"),
    )


def federate(
    run: Run,
    federation: Federation,
    grid_of: Callable[[Run], Any],
    show: bool = True,
    call: Call | None = None,
) -> FederatedResult:
    """Train over the sites of a grid, and sample.

    Args:
        grid_of: the grid of Flower, for the run with its directory.
        call: how it was asked for, to be kept in the run directory.

    Raises:
        UserError: the config, the sites or the run directory do not fit; too few sites are left. What was written
            before is whole.
        OSError: the disk is full.
    """
    import_flower()
    run, loggers = settled(run, federation), settled_loggers(run.logger)
    run.trainer.prepare()
    with run_directory(run) as files:
        run = dataclasses.replace(run, run_dir=str(files.folder), logger=loggers)
        sites = Sites(grid_of(run), federation)
        if run.trainer.resume:
            agreed, descriptions = _agreed_before(run, federation, files)
        elif run.privacy.private:
            agreed, descriptions = agree_privately(run, federation, sites, files), []
        else:
            agreed, descriptions = agree(run, federation, sites, files)
        record_call(files, call)
        server = Server(agreed, descriptions, sites)
        return _train(run, server, descriptions, files, show)


def stored(run: Run, overrides: list[str], settings: Mapping[str, str]) -> tuple[Run, Federation]:
    """The run and the federation of a directory that is gone on with; of the latter, rounds and timeout may change.

    Raises:
        UserError: there is none, or another setting is given.
    """
    check_run_directory(run)
    agreed = Agreed(Path(run.run_dir or "").expanduser())
    given = dataclasses.asdict(Federation.of(settings))
    changes = {key: given[key] for key in settings}
    if agreed.private and changes.get("rounds", agreed.federation.rounds) != agreed.federation.rounds:
        raise UserError(
            f"federated.rounds={changes['rounds']}: the noise of a private run is that of {agreed.federation.rounds} "
            "rounds; that cannot change."
        )
    for key, value in changes.items():
        if key not in ("rounds", "timeout", "sites", "evaluate_every") and value != getattr(agreed.federation, key):
            raise UserError(
                f"federated.{key}={value}: the run began with {getattr(agreed.federation, key)}; that cannot change."
            )
    return stored_run(run, overrides), dataclasses.replace(agreed.federation, **changes)


def agree(run: Run, federation: Federation, sites: Sites, files: RunFiles) -> tuple[Agreed, list[Description]]:
    """Ask all sites for what they tell of their columns, and write what follows from it.

    Raises:
        UserError: a site cannot tell, or the columns of two do not fit together.
    """
    descriptions = sites.describe()
    pooled = pool(descriptions, federation)
    ready = prepare_split(run, pooled.split(run.data))
    for column in pooled.left_out.values():
        log.info("%s: left out, %s", column.name, column.reason)
    for name, level in pooled.rare.items():
        log.info("%s: rare levels are '%s'", name, level)
    write_text(files.config, to_yaml(ready.run))
    ready.split.schema.write(files.schema)
    ready.codec.save(files.codec)
    ready.condition.save(files.condition)
    ready.marginals.save(files.marginals)
    write_terms(files, ready.rows.known)
    names = [one.name for one in descriptions]
    write_settings(files, federation, pooled.rare, names, new_token())
    write_text(files.descriptions, json.dumps([described(one) for one in descriptions], ensure_ascii=False) + "\n")
    sign_run(files)
    return Agreed(files.folder), descriptions


def agree_privately(run: Run, federation: Federation, sites: Sites, files: RunFiles) -> Agreed:
    """What follows from the declared columns: no site is asked.

    Raises:
        UserError: the domain is missing, or leaves something to be asked of rows; too few sites are there.
    """
    plan: Any = run.privacy
    domain = declared_domain(plan, run.data)
    if paid := [column.name for column in domain.columns if column.paid]:
        raise UserError(
            f"column '{paid[0]}': sites take declared levels and edges; what is private in the domain is not."
        )
    sites.wait()
    codec = domain.codec()
    condition = run.condition.fit(codec, codec.empty(1))
    flat = Measurements(np.concatenate([[0], np.cumsum(codec.layout.cardinalities)]))
    flat.single[:] = flat.single_precision[:] = 1.0
    write_text(files.config, to_yaml(run))
    codec.schema.write(files.schema)
    domain.write(files.domain)
    codec.save(files.codec)
    condition.save(files.condition)
    private_marginals(codec, flat, flat.single).save(files.marginals)
    write_terms(files, {})
    write_settings(files, federation, {}, [], new_token())
    sign_run(files)
    return Agreed(files.folder)


def _agreed_before(run: Run, federation: Federation, files: RunFiles) -> tuple[Agreed, list[Description]]:
    """What was agreed on when the run began, with the settings that may change."""
    before = Agreed(files.folder)
    told = [] if before.private else read_json(files.descriptions)
    descriptions = [Description.from_json(one) for one in told]
    write_text(files.config, to_yaml(run))
    write_settings(files, federation, before.rare, [one.name for one in descriptions], before.token)
    sign_run(files)
    return Agreed(files.folder), descriptions


def _train(run: Run, server: Server, descriptions: list[Description], files: RunFiles, show: bool) -> FederatedResult:
    """Rounds until the last one, or until somebody stops it; then samples, scores and summary."""
    federation, trainer = server.federation, run.trainer
    checkpoints, lines = Checkpoints(files.checkpoints, trainer.keep), JsonLines(files.metrics)
    if trainer.resume and (newest := checkpoints.latest()):
        server.restore(newest[1], newest[2])
        checkpoints.drop_after(newest[0])
        if server.number > federation.rounds:
            raise UserError(f"federated.rounds={federation.rounds}: the run is at round {server.number} already.")
        log.info("resuming %s from round %s", files.folder, f"{server.number:,}")
    lines.rewind(server.step)
    trackers = _trackers(run, files)
    live = show and watched()
    bar = progress_bar("rounds", live)
    task = bar.add_task("compiling", total=federation.rounds, completed=server.number)
    status = COMPLETED
    try:
        with signals() as signalled, bar:
            while server.number < federation.rounds:
                metrics = server.round()
                last = server.number == federation.rounds
                if last or server.number % federation.evaluate_every == 0:
                    metrics |= server.evaluate()
                if last:
                    server.settle()
                for one in (lines, trackers):
                    one.log(metrics, server.step)
                checkpoints.save(server.step, server.tree(), server.record())
                bar.update(task, completed=server.number, description="training", note=_note(server))
                if show and not live and (last or server.number % federation.evaluate_every == 0):
                    log.info("round %s  %s", f"{server.number:,}", _line(server, metrics))
                if signalled() and not last:
                    status = INTERRUPTED
                    break
        checkpoints.wait()
    finally:
        checkpoints.close()
        lines.close()
    summary = _finish(run, server, descriptions, files, status)
    best = best_values(read_lines(files.metrics), goals(run))
    trackers.finish(RunEnd(summary=summary, best=best, generator=files.generator))
    return FederatedResult(files.folder, summary)


def _trackers(run: Run, files: RunFiles) -> Trackers:
    mode, settings = settle_mode(run.tracker), run.tracker
    if mode != "disabled" and settings.id is None:
        settings = dataclasses.replace(settings, id=new_id())
    start = RunStart(
        name=run.name, config=files.config.read_text(encoding="utf-8"), run_dir=files.folder, goals=goals(run)
    )
    return Trackers(settings, mode, run.logger, start)


def _note(server: Server) -> str:
    """The score that was found last, or the bytes so far, beside a bar."""
    score = server.scores.get("holdout/score")
    return f"{server.sent / 2**20:,.0f} MiB sent" if score is None else f"score {score:.4f}"


def _line(server: Server, metrics: Mapping[str, float]) -> str:
    """Scores, bytes and seconds of a round, for the terminal."""
    scores = [f"{key.removeprefix('holdout/')} {value:.4f}" for key, value in metrics.items() if "holdout/" in key]
    sent = f"{server.sent / 2**20:,.1f} MiB sent by {metrics['sites']:.0f} sites"
    return "  ".join([*scores, sent, f"{metrics['round_seconds']:.1f} s a round"])


def _finish(
    run: Run,
    server: Server,
    descriptions: list[Description],
    files: RunFiles,
    status: str,
) -> dict[str, Any]:
    """Write samples, summary and model card."""
    best, agreed, scores = server.best, server.agreed, server.scores
    own = server.federation.share == "discriminator"  # a generator at each site, and none here
    rows = {"training": sum(one.rows for one in descriptions), "holdout": sum(one.holdout for one in descriptions)}
    if agreed.private:
        rows = {"estimated": round(sum(server.rows.values()))}
    summary: dict[str, Any] = {
        "status": status,
        "name": run.name,
        "steps": server.step,
        "rounds": server.number,
        "seconds": round(server.seconds, 2),
        "seed": run.seed,
        "rows": rows,
        "bytes": server.sent,
        "scores": {
            "holdout": {k.removeprefix("holdout/"): v for k, v in scores.items() if k.startswith("holdout/")},
            "sites": _by_site(scores),
            "best": [{"seed": run.seed, "step": int(best.step[0]), "value": _plain(best.value[0])}],
        },
        "weights": server.weights,
        "versions": versions(),
        "commit": commit(),
    }
    if agreed.private:
        summary["privacy"] = _write_privacy(server, files)
    if status == COMPLETED:
        count = run.sample_rows(rows.get("training") or rows["estimated"])
        if own:
            synthetic = server.rows_of_sites(count)
        else:
            sampler = agreed.sampler
            sampler.parameters = jax.tree.map(lambda leaf: leaf[0], best.generator)
            synthetic = sampler.sample(count, run.seed)
        write_table(files.samples, synthetic)
        if descriptions:
            pooled = pool(descriptions, server.federation)
            reference = Reference(pooled.table, agreed.saved.schema)
            distance = reference.compare(synthetic).scores()["column_distance"]
            summary["scores"]["pooled"] = {"column_distance": distance}
            log.info("columns are %.4f away from those of all sites together, by what the sites reported", distance)
    write_text(files.summary, json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    if status == COMPLETED:
        found = guarantee_sentences(read_json(files.privacy)) if agreed.private else [Sentence("note", say(FEDERATED))]
        config = files.config.read_text(encoding="utf-8")
        card = Card(
            name=run.name,
            config=config,
            summary=summary,
            schema=agreed.saved.schema,
            found=found,
            private=agreed.private,
        )
        card.write(files)
    return summary


def _write_privacy(server: Server, files: RunFiles) -> dict[str, Any]:
    """Write the ledger that every site has, and what all sites together tell of single columns; the guarantee."""
    agreed, measured = server.agreed, server.measured
    ledger = empty_ledger(agreed)
    ledger.write(files.privacy)
    answers = answers_of(agreed.gan, server.state)
    private_marginals(agreed.saved.codec, measured, answers).save(files.marginals)
    sign_run(files)
    return ledger.to_json()["guarantee"]


def _by_site(scores: Mapping[str, float]) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for key, value in scores.items():
        if key.startswith("site/"):
            name, _, score = key.removeprefix("site/").rpartition("/")
            out.setdefault(name, {})[score] = value
    return out


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
