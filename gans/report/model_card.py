"""The model card of a run: Markdown with the front matter of Hugging Face, made from what its folder tells anyway."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gans.data.schema import Column, Schema
from gans.evaluation.metrics import meaning
from gans.evaluation.results import Evaluation
from gans.files import write_text
from gans.findings.guarantee import guarantee_sentences
from gans.findings.model_card import LICENCE, intended, not_intended, privacy_summary, training_facts, untested
from gans.findings.run import headline, sentences
from gans.findings.sentence import Sentence
from gans.findings.titles import logs_name, table_file
from gans.report.templates import template
from gans.runs.files import RunFiles
from gans.runs.finish import RunResults
from gans.runs.private import PrivateResults
from gans.words import mark, say

MOST_COLUMNS = 200
START, END = "<!-- evaluation -->", "<!-- /evaluation -->"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a card is made from.

    Attributes:
        config: of the run, as YAML.
        summary: as summary.json has it.
        found: sentences, the verdict first.
        private: whether the run has differential privacy, so that nothing here may be read off the rows.
        given: whether its table was given in memory, so that the config does not name it.
    """

    name: str
    config: str
    summary: Mapping[str, Any]
    schema: Schema
    found: list[Sentence]
    private: bool
    given: bool = False

    @classmethod
    def of(cls, report: RunResults | PrivateResults) -> "Card":
        """The card of a run that has just ended."""
        private = isinstance(report, PrivateResults)
        if isinstance(report, PrivateResults):
            found = guarantee_sentences(report.ledger)
        else:
            found = [headline(report), *sentences(report)]
        return cls(
            name=report.name,
            config=report.config,
            summary=report.summary,
            schema=report.schema,
            found=found,
            private=private,
            given=report.given,
        )

    def write(self, files: RunFiles) -> None:
        """Write it into a run directory."""
        import yaml

        config, columns = yaml.safe_load(self.config), self.schema.columns
        text = template("model_card.md.jinja").render(
            card=self,
            front=_front_matter(self.name, self.private),
            verdict=self.found[0],
            found=self.found[1:],
            data=say("a table in memory") if self.given else _data(config),
            rows=self.summary.get("rows", {}),
            columns=[_row(column) for column in columns[:MOST_COLUMNS]],
            more=max(0, len(columns) - MOST_COLUMNS),
            relations=len(self.schema.relations),
            intended=intended(self.private),
            not_intended=not_intended(self.private),
            facts=training_facts(self.summary, config, self.private),
            scores=[] if self.private else _scores(self.summary),
            evaluation="" if self.private else _evaluation([], [untested()]),
            licence=say(LICENCE),
            run=shlex.quote(f"run={files.folder.resolve().name}"),
        )
        write_text(files.card, f"{text}\n")


def update_card(files: RunFiles, tables: dict[str, list[tuple[str, ...]]], evaluation: Evaluation | None) -> None:
    """Put what an evaluation found into the card of a run; where there is none, nothing is written.

    Args:
        tables: by part the figures as texts: title, value, interval, ideal, what real rows have, number of rows.
        evaluation: None for images, whose privacy no attack here tests.
    """
    old = files.card.read_text(encoding="utf-8") if files.card.is_file() else ""
    if START in old and END in old:
        rows = [row for part in tables.values() for row in part]
        section = _evaluation(rows, [untested()] if evaluation is None else privacy_summary(evaluation))
        text = re.sub(f"{START}.*{END}", lambda _: f"{START}\n{section}\n{END}", old, flags=re.DOTALL)
        write_text(files.card, text)


def _evaluation(rows: list[tuple[str, ...]], privacy: list[Sentence]) -> str:
    return template("model_card_evaluation.md.jinja").render(rows=rows, privacy=privacy).strip()


def _front_matter(name: str, private: bool) -> str:
    """The YAML at the top, as Hugging Face reads it."""
    import yaml

    tags = list(dict.fromkeys(["synthetic-data", "tabular", "gan", "jax", name, *["differential-privacy"] * private]))
    return yaml.safe_dump(
        {"library_name": "gans", "license": "unknown", "tags": tags}, sort_keys=False, allow_unicode=True
    ).strip()


def _data(config: dict[str, Any]) -> str:
    """Where the table came from: the names of its files without the folder, or of a table that the program knows."""
    if file := table_file(config):
        return say("the file {name}", name=file)
    if logs := logs_name(config):
        return logs
    known = config.get("components", {}).get("data", "table")
    return say("a query") if config.get("data", {}).get("query") else f"data={known}"


def _row(column: Column) -> tuple[str, str, str]:
    """Name, kind, and what was done with a column."""
    levels = ""
    if column.kind == "category" and column.levels:
        levels = say(", {n:,} levels", n=column.levels)
    use = {
        "feature": mark("learned"),
        "image": mark("learned"),
        "constant": mark("always the same"),
        "faked": mark("made up in sampled rows"),
    }.get(column.role)
    reason = column.reason or column.role
    return column.name, say(column.kind) + levels, say(use) if use else say("left out: {reason}", reason=say(reason))


def _scores(summary: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Title, value, what real rows have in its place, and which is better, of each score of the samples."""
    scores = summary.get("scores", {})
    floor = scores.get("floor", {})
    return [
        (meaning(name).title, f"{value:.4f}", f"{floor[name]:.4f}" if name in floor else "", say(meaning(name).better))
        for name, value in scores.get("holdout", {}).items()
    ]
