"""Real values of nearly unique columns that come back, and the verdict on privacy."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.data.detection import detect, normalise
from gans.data.personal.handling import Handling
from gans.evaluation.inputs import read_sides
from gans.evaluation.results import Evaluation
from gans.evaluation.suite import evaluate
from gans.findings.privacy import columns_returned, privacy_fails, privacy_sentences
from gans.findings.uses import privacy_verdict

ROWS = 300


def people(first: int, **changes: Any) -> pa.Table:
    """Rows of people who are numbered from `first`; those of two tables are different people."""
    rng = np.random.default_rng(first)
    numbers = np.arange(first, first + ROWS)
    columns: dict[str, Any] = {
        "email": [f"person{number}@mail.example" for number in numbers],
        "amount": np.round(rng.gamma(2, 2e6, ROWS), 2),
        "age": rng.integers(18, 90, ROWS),
        "plan": rng.choice(["basic", "gold"], ROWS),
        "remark": [f"called us {number} times" if number % 9 == 0 else "no remark" for number in numbers],
    }
    return normalise(pa.table(columns | changes))


REAL, TEST, MADE = people(0), people(1000), people(2000)


def found(synthetic: pa.Table, test: pa.Table | None = TEST, **handling: Any) -> Evaluation:
    schema = detect(REAL, personal=Handling(**handling))
    return evaluate(read_sides(schema, REAL, synthetic, test), "fast", only=("real_values", "copies"))


def with_real(name: str, count: int) -> pa.Table:
    """The synthetic table with so many real values in a column."""
    values = REAL[name].to_pylist()[:count] + MADE[name].to_pylist()[count:]
    return MADE.set_column(MADE.column_names.index(name), name, pa.array(values, MADE[name].type))


def test_nothing_comes_back() -> None:
    evaluation = found(MADE, keep=["email"])
    assert columns_returned(evaluation) == {}
    assert evaluation.scores["real_values"].value == 0
    assert not privacy_fails(evaluation)
    assert any("by chance: email, amount, remark." in sentence.text for sentence in privacy_sentences(evaluation))


@pytest.mark.parametrize("test", [TEST, None])
@pytest.mark.parametrize("keep", [["email"], []])
def test_one_real_e_mail_address_is_one_too_many(keep: list[str], test: pa.Table | None) -> None:
    """Whether the column was learned, or only stands in the synthetic file nevertheless."""
    evaluation = found(with_real("email", 1), test, keep=keep)
    said = "column email returns real values (e-mail addresses) in 1 of 300 rows"
    assert columns_returned(evaluation) == {"email": said}
    assert privacy_fails(evaluation)
    assert f"NOT PRIVATE: {said}." in [sentence.text for sentence in privacy_sentences(evaluation)]
    verdict = privacy_verdict(evaluation)
    assert (verdict.tone, verdict.text) == ("bad", f"No: {said}.")


def test_free_text_word_for_word() -> None:
    evaluation = found(with_real("remark", 19))
    returned = sum(number % 9 == 0 for number in range(19))
    assert columns_returned(evaluation) == {
        "remark": f"column remark returns free text of the real table word for word in {returned} of 300 rows"
    }
    assert evaluation.scores["real_values"].value == pytest.approx(returned / ROWS)


def test_short_levels_and_frequent_ones_may_come_back() -> None:
    assert columns_returned(found(MADE.set_column(4, "remark", pa.array(["no remark"] * ROWS)))) == {}


def test_numbers_count_where_test_rows_hold_far_fewer() -> None:
    said = {"amount": "column amount returns real values in 60 of 300 rows"}
    assert columns_returned(found(with_real("amount", 60))) == said
    assert columns_returned(found(with_real("amount", 1))) == {}  # it may be chance
    assert "amount" not in found(with_real("amount", 60), None).details.get("real values", {})


def test_numbers_that_meet_by_chance_are_left_out() -> None:
    coarse = {"amount": np.arange(ROWS)[np.random.default_rng(0).permutation(ROWS)] * 3}
    real, test = people(0, **coarse), people(1000, **coarse)
    tables = read_sides(detect(real, {"amount": "integer"}), real, people(2000, **coarse), test)
    evaluation = evaluate(tables, "fast", only=("real_values", "copies"))
    assert "amount" not in evaluation.details["real values"]
    assert "amount" not in columns_returned(evaluation)


def test_made_up_columns_are_not_searched() -> None:
    evaluation = found(with_real("email", 5), fake=["email"])
    assert "email" not in evaluation.details["real values"]


def test_names_that_test_rows_share_as_often_are_no_proof() -> None:
    names = [f"Anna{'abcdefghij'[n // 30]} Smith{'abcdefghijklmnopqrstuvwxyzabcd'[n % 30]}" for n in range(ROWS)]
    real, test = people(0, name=names), people(1000, name=names[: ROWS // 2] * 2)
    synthetic = people(2000, name=[*names[:30], *(f"Xaver {name}" for name in names[30:])])
    tables = read_sides(detect(real, personal=Handling(declared={"name": "name"})), real, synthetic, test)
    assert columns_returned(evaluate(tables, "fast", only=("real_values", "copies"))) == {}
    alone = read_sides(tables.schema, real, synthetic)
    assert "name" in columns_returned(evaluate(alone, "fast", only=("real_values", "copies")))


def test_a_table_without_such_columns_asks_for_nothing() -> None:
    plain = [table.select(["age", "plan"]) for table in (REAL, MADE, TEST)]
    tables = read_sides(detect(plain[0]), *plain)
    assert "real_values" not in evaluate(tables, "fast").scores
