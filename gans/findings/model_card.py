"""What a model card says of a run beside its figures: what it is for, what it is not for, its limits, its licence."""

from collections.abc import Mapping, Sequence
from typing import Any

from gans.evaluation.results import Evaluation
from gans.findings.privacy import limits, privacy_verdict
from gans.findings.sentence import Sentence
from gans.words import mark, say

INTENDED = mark(
    "Rows that look like those of the table, for development, tests, teaching and for trying out an analysis."
)
RESEARCH = mark("Research on generators: the config, the seed and the versions below reproduce the run.")
PRIVATE_RESEARCH = mark(
    "Research on private generators. The noise has no seed, so that the run cannot be repeated exactly."
)
NOT_INTENDED = (
    mark("Decisions about single people: no row describes anybody."),
    mark(
        "Findings about rare groups, or about how many columns go together at once, unless the real table shows them "
        "too."
    ),
    mark("Rows in the place of real ones where an evaluation does not call them useful."),
)
UNTESTED = mark("Privacy is not tested yet. Do not take the rows for anonymous because they are synthetic.")
FEDERATED = mark("Trained over sites that share no row: its scores are means over the held-out rows of the sites.")
LICENCE = mark(
    "The program that made this generator is under the Apache License 2.0. The generator and its rows follow from the "
    "table: its owner decides on their licence, and writes it at the top of this file."
)


def intended(private: bool) -> list[str]:
    """What the generator is for."""
    return [say(INTENDED), say(PRIVATE_RESEARCH if private else RESEARCH)]


def not_intended(private: bool) -> list[str]:
    """What the generator is not for."""
    shared = mark("Sharing rows, or this folder, before an evaluation has tested how private they are.")
    return [say(text) for text in (*NOT_INTENDED, *[shared] * (not private))]


def untested() -> Sentence:
    """That nobody has tested the privacy of the rows."""
    return Sentence("note", say(UNTESTED))


def privacy_summary(evaluation: Evaluation) -> list[Sentence]:
    """Whether the rows may be shared, and what that does not say."""
    return [privacy_verdict(evaluation), limits()]


def training_facts(summary: Mapping[str, Any], config: Mapping[str, Any], private: bool) -> list[tuple[str, str]]:
    """Name and value of what decided a run, as text; of a private run without what was measured of it."""
    components: Mapping[str, Any] = config.get("components", {})
    many = int(config.get("trainer", {}).get("seeds", 1))
    steps = f"{summary.get('steps', 0):,}"
    if kept := _kept(summary.get("scores", {}).get("best", [])):
        steps += say(", of which step {kept:,} was kept by its score on held-out rows", kept=kept)
    facts = [
        (say("experiment"), str(config.get("name", ""))),
        (say("status"), say(str(summary.get("status", "unknown")))),
        (say("steps"), steps),
        (say("network, objective"), f"{components.get('network', '')}, {components.get('objective', '')}"),
        (say("refinement"), str(components.get("refine", "none"))),
        (say("seed"), f"{summary.get('seed', 0)}" + (say(" and {more} more", more=many - 1) if many > 1 else "")),
    ]
    if not private:
        facts.insert(3, (say("seconds"), f"{summary.get('seconds', 0):,.0f}"))
    versions = ", ".join(f"{name} {version}" for name, version in summary.get("versions", {}).items())
    commit = summary.get("commit")
    return [*facts, (say("versions"), versions), *([(say("commit"), str(commit))] if commit else [])]


def _kept(best: Sequence[Mapping[str, Any]]) -> int:
    """The step of the best generator of the best seed; 0 where none has a score."""
    scored = [one for one in best if one.get("value") is not None]
    return int(scored[0]["step"]) if len(scored) == 1 else 0
