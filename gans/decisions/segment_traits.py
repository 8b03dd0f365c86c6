"""Personas: segments of synthetic customers, what sets each apart, and whether real customers fall into them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.schema import Column
from gans.decisions.cases import Case
from gans.decisions.segments import fit_segments
from gans.evaluation.attacks import copies
from gans.evaluation.inputs import numbers
from gans.evaluation.intervals import bootstrap, wilson
from gans.findings.answers import Interval
from gans.findings.customer_segments import Persona, Personas, Trait
from gans.findings.sentence import listed
from gans.words import ENGLISH, language, mark, say

TRAITS = 5
EXAMPLES = 3
STRONG = 0.8  # chance to have more, or less, than another customer, from which on it is "very" high or low


def find_personas(case: Case, k: int | None = None) -> Personas:
    """The personas of the synthetic customers of a run.

    Raises:
        UserError: k is out of range.
    """
    side = case.synthetic
    synthetic = case.tables.synthetic.slice(0, side.rows)
    segmentation = fit_segments(side, k)
    assigned, held_assigned = segmentation.assign(side), segmentation.assign(case.test)
    agreement, ceiling = _agreement(case, segmentation.k)
    chances = segmentation.chances(side)
    typical = [_typical_rows(case, synthetic, chances[:, place], assigned == place) for place in range(segmentation.k)]
    personas = [
        _persona(case, synthetic, assigned == place, held_assigned == place, typical[place])
        for place in range(segmentation.k)
    ]
    _tell_apart(personas)
    points = np.column_stack([segmentation.points(side, segmentation.plane), assigned])
    return Personas(personas, segmentation.k, segmentation.icl, agreement, ceiling, points, case.test.rows)


def _agreement(case: Case, k: int) -> tuple[Interval, Interval]:
    """Adjusted Rand indices (Hubert & Arabie 1985) on held-out rows, with bootstrap intervals over these.

    Segments of one half of the training rows are compared with those of as many synthetic rows, and with those of the
    other half.
    """
    from sklearn.metrics import adjusted_rand_score

    order = np.random.default_rng(0).permutation(case.real.rows)
    half = min(len(order) // 2, case.synthetic.rows)
    sides = (case.real.take(order[:half]), case.synthetic.take(np.arange(half)), case.real.take(order[-half:]))
    reference, synthetic, other = (fit_segments(side, k).assign(case.test) for side in sides)

    def index(segments: np.ndarray) -> Interval:
        def of(places: np.ndarray) -> float:
            return float(adjusted_rand_score(reference[places], segments[places]))

        return (of(np.arange(len(segments))), *bootstrap(of, len(segments)))

    return index(synthetic), index(other)


def _typical_rows(case: Case, table: pa.Table, chance: np.ndarray, inside: np.ndarray) -> list[dict[str, Any]]:
    """Synthetic rows deep inside a segment that equal no training row, spread over the deeper half."""
    fresh = ~copies(case.tables.sides["synthetic"].take(np.arange(table.num_rows)), case.tables.sides["real"])
    places = np.flatnonzero(inside & fresh)
    places = places[np.argsort(-chance[places], kind="stable")]
    deep = places[: max(EXAMPLES, len(places) // 2)]
    chosen = deep[np.linspace(0, len(deep) - 1, min(EXAMPLES, len(deep))).astype(int)] if len(deep) else deep
    return table.take(pa.array(np.unique(chosen))).to_pylist()


def _persona(
    case: Case, table: pa.Table, inside: np.ndarray, held: np.ndarray, examples: list[dict[str, Any]]
) -> Persona:
    traits, typical, places = what_sets_apart(case.tables.schema.features, table, inside)
    hits = float(held.sum())
    return Persona(
        "", float(inside.mean()), (float(held.mean()), *wilson(hits, len(held))), traits, typical, places, examples
    )


def what_sets_apart(
    columns: Sequence[Column], table: pa.Table, inside: np.ndarray
) -> tuple[list[Trait], dict[str, str], dict[str, float]]:
    """What sets some rows apart from the others, the strongest trait first.

    Args:
        inside: which rows, bool [rows].

    Returns:
        At most five traits; by column the typical value, as text; by column of numbers where its median lies.
    """
    traits, typical, places = [], {}, {}
    for column in columns:
        array = table[column.name]
        if column.kind in ("numeric", "integer"):
            values = numbers(array)
            found = _number_trait(column.name, values, inside)
            if found is None:
                continue
            trait, typical[column.name], places[column.name] = found
        elif column.kind == "datetime":
            continue
        else:
            words = np.array([_word(value) for value in array.to_pylist()], dtype=object)
            trait, typical[column.name] = _level_trait(column.name, words, inside)
        traits.append(trait)
    return sorted(traits, key=lambda one: -one.strength)[:TRAITS], typical, places


def _word(value: Any) -> str:
    if value is None:
        return say("missing")
    return (say("yes") if value else say("no")) if isinstance(value, bool) else str(value)


def _number_trait(name: str, values: np.ndarray, inside: np.ndarray) -> tuple[Trait, str, float] | None:
    """How a number differs within a segment from the others."""
    known = np.isfinite(values)
    here, there = values[known & inside], values[known & ~inside]
    missing, usual = 1 - known[inside].mean(), 1 - known[~inside].mean()
    if missing - usual > 0.5 or not len(here):
        words = say(
            "{name} is missing for {missing:.0%} (others: {usual:.0%})", name=name, missing=missing, usual=usual
        )
        return Trait(name, float(missing - usual), words, say("no {name}", name=name)), say("missing"), 0.5
    if not len(there):
        return None
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([here, there]))[: len(here)]
    above = (ranks.mean() - (len(here) + 1) / 2) / len(there)
    low, middle, high = np.quantile(here, [0.25, 0.5, 0.75])
    all_low, all_middle, all_high = np.quantile(values[known], [0.25, 0.5, 0.75])
    how = WAYS[above > 0.5, max(above, 1 - above) >= STRONG]
    text, usual_text = _span(low, high, middle), _span(all_low, all_high, all_middle)
    words = say(
        "{name} is {how}: {span} for the middle half of them (all customers: {usual})",
        name=name,
        how=say(how),
        span=text,
        usual=usual_text,
    )
    short = say("{how} {name}", how=say(how), name=name)
    place = float((values[known] < middle).mean() + (values[known] == middle).mean() / 2)
    typical = say("{value} ({span})", value=number(middle), span=text)
    return Trait(name, abs(2 * float(above) - 1), words, short), typical, place


WAYS = {  # by whether values are above those of others, and clearly so
    (True, True): mark("very high"),
    (True, False): mark("high"),
    (False, True): mark("very low"),
    (False, False): mark("low"),
}


def _span(low: float, high: float, middle: float) -> str:
    return say("{low} to {high}", low=number(low), high=number(high)) if low < high else number(middle)


def _level_trait(name: str, words: np.ndarray, inside: np.ndarray) -> tuple[Trait, str]:
    """The level whose share differs most within a segment from that of the others."""
    levels, codes = np.unique(words, return_inverse=True)
    here = np.bincount(codes[inside], minlength=len(levels)) / max(inside.sum(), 1)
    there = np.bincount(codes[~inside], minlength=len(levels)) / max((~inside).sum(), 1)
    every = np.bincount(codes, minlength=len(levels)) / len(codes)
    at = int(np.argmax(np.abs(here - there)))
    most = int(np.argmax(here))
    if here[at] < there[at] and here[most] > there[most]:
        at = most if here[most] - there[most] > 0.5 * (there[at] - here[at]) else at
    said = say(
        "{name} is {level} for {share:.0%} of them (all customers: {every:.0%})",
        name=name,
        level=levels[at],
        share=here[at],
        every=every[at],
    )
    rarer = round(here[at], 2) < round(every[at], 2)
    short = say("{name}: less often {level}" if rarer else "{name}: {level}", name=name, level=levels[at])
    typical = say("{level} ({share:.0%})", level=levels[most], share=here[most])
    return Trait(name, float(abs(here[at] - there[at])), said, short), typical


def number(value: float) -> str:
    """A number for people: three figures, thousands parted."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"


def _tell_apart(personas: list[Persona]) -> None:
    """Name each persona by the first two traits that tell it, shorter than their sentences; no name twice."""
    taken: set[str] = set()
    for persona in personas:
        shorts = [trait.short for trait in persona.traits]
        name = listed(shorts[:2])
        for count in range(3, len(shorts) + 1):
            if name not in taken:
                break
            name = listed(shorts[:count])
        taken.add(name)
        persona.name = name[:1].upper() + name[1:] if language() == ENGLISH else name
