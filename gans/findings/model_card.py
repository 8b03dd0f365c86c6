"""What a model card says of a run beside its figures: what it is for, what it is not for, its limits, its licence."""

from collections.abc import Mapping, Sequence
from typing import Any

from gans.evaluation.results import Evaluation
from gans.findings.privacy import LIMITS, privacy_verdict
from gans.findings.sentence import Sentence

INTENDED = "Rows that look like those of the table, for development, tests, teaching and for trying out an analysis."
RESEARCH = "Research on generators: the config, the seed and the versions below reproduce the run."
PRIVATE_RESEARCH = "Research on private generators. The noise has no seed, so that the run cannot be repeated exactly."
NOT_INTENDED = (
    "Decisions about single people: no row describes anybody.",
    "Findings about rare groups, or about how many columns go together at once, unless the real table shows them too.",
    "Rows in the place of real ones where an evaluation does not call them useful.",
)
UNTESTED = Sentence("note", "Privacy is not tested yet. Do not take the rows for anonymous because they are synthetic.")
FEDERATED = Sentence(
    "note", "Trained over sites that share no row: its scores are means over the held-out rows of the sites."
)
LICENCE = (
    "The program that made this generator is under the Apache License 2.0. The generator and its rows follow from the "
    "table: its owner decides on their licence, and writes it at the top of this file."
)


def intended(private: bool) -> list[str]:
    """What the generator is for."""
    return [INTENDED, PRIVATE_RESEARCH if private else RESEARCH]


def not_intended(private: bool) -> list[str]:
    """What the generator is not for."""
    shared = "Sharing rows, or this folder, before an evaluation has tested how private they are."
    return [*NOT_INTENDED, *[shared] * (not private)]


def privacy_summary(evaluation: Evaluation) -> list[Sentence]:
    """Whether the rows may be shared, and what that does not say."""
    return [privacy_verdict(evaluation), LIMITS]


def training_facts(summary: Mapping[str, Any], config: Mapping[str, Any], private: bool) -> list[tuple[str, str]]:
    """Name and value of what decided a run, as text; of a private run without what was measured of it."""
    components: Mapping[str, Any] = config.get("components", {})
    many = int(config.get("trainer", {}).get("seeds", 1))
    steps = f"{summary.get('steps', 0):,}"
    if kept := _kept(summary.get("scores", {}).get("best", [])):
        steps += f", of which step {kept:,} was kept by its score on held-out rows"
    facts = [
        ("experiment", str(config.get("name", ""))),
        ("status", str(summary.get("status", "unknown"))),
        ("steps", steps),
        ("network, objective", f"{components.get('network', '')}, {components.get('objective', '')}"),
        ("refinement", str(components.get("refine", "none"))),
        ("seed", f"{summary.get('seed', 0)}" + (f" and {many - 1} more" if many > 1 else "")),
    ]
    if not private:
        facts.insert(3, ("seconds", f"{summary.get('seconds', 0):,.0f}"))
    versions = ", ".join(f"{name} {version}" for name, version in summary.get("versions", {}).items())
    commit = summary.get("commit")
    return [*facts, ("versions", versions), *([("commit", str(commit))] if commit else [])]


def _kept(best: Sequence[Mapping[str, Any]]) -> int:
    """The step of the best generator of the best seed; 0 where none has a score."""
    scored = [one for one in best if one.get("value") is not None]
    return int(scored[0]["step"]) if len(scored) == 1 else 0
