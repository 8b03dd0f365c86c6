"""Detection, utility and privacy: known answers on small tables."""

import numpy as np
import pyarrow as pa
import pytest

from gans.evaluation import attacks, two_sample, utility
from gans.evaluation.embedding import Points, points

from .customers import people, sides


def replaced(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def permuted(table: pa.Table, name: str) -> pa.Table:
    return replaced(table, name, table[name].take(np.random.default_rng(9).permutation(len(table))).combine_chunks())


# ---- detection


def test_like_tables_cannot_be_told_apart_by_either_model() -> None:
    real, made = sides(people(0, 1_500), people(1, 1_500))
    for test in (two_sample.xgb_c2st, two_sample.lr_c2st):
        found = test(real, made)
        assert found.score > 0.88
        assert found.low <= found.score <= found.high


def test_what_gave_the_rows_away_is_named() -> None:
    real = people(0, 1_500)
    shifted = replaced(people(1, 1_500), "visits", np.asarray(people(1, 1_500)["visits"]) + 3)
    found = two_sample.xgb_c2st(*sides(real, shifted))
    assert found.score < 0.5
    assert next(iter(found.columns)) == "visits"
    assert sum(found.columns.values()) == pytest.approx(1)
    assert "age is null" not in found.columns


def test_a_wrong_pair_is_seen_by_trees_and_not_by_a_line() -> None:
    """Income no longer goes with age, each by itself is right."""
    real, made = sides(people(0, 2_000), permuted(people(1, 2_000), "income"))
    assert two_sample.xgb_c2st(real, made).score < 0.5
    assert two_sample.lr_c2st(real, made).score > 0.85
    pairs = two_sample.xgb_c2st(real, made).pairs
    assert "income" in next(iter(pairs))


def test_sides_are_cut_to_the_smaller_one() -> None:
    both, labels = two_sample._both(*sides(people(0), people(1, 90)))
    assert both.rows == 180
    np.testing.assert_array_equal(labels, np.repeat([1, 0], 90))


# ---- utility


def test_like_rows_are_as_useful_and_shuffled_labels_are_not() -> None:
    real, test = people(0, 1_500), people(2, 1_500)
    found = {}
    for name, made in (("like", people(1, 1_500)), ("shuffled", permuted(people(1, 1_500), "left"))):
        found[name] = utility.pairings(*sides(real, made, test), "left").scores
    assert found["like"]["tstr"][0] == pytest.approx(found["like"]["trtr"][0], abs=0.04)
    assert found["like"]["trtr"][0] > 0.8
    assert abs(found["shuffled"]["tstr"][0] - 0.5) < 0.1
    assert found["shuffled"]["tstr"][2] < found["like"]["tstr"][1]
    assert found["like"]["lift_real"][0] > 1.5 > found["shuffled"]["lift_synthetic"][0]


def test_a_number_is_predicted_by_its_r2() -> None:
    found = utility.pairings(*sides(people(0, 1_200), people(1, 1_200), people(2, 1_200)), "income")
    assert found.measure == "R^2"
    assert found.scores["tstr"][0] > 0.6
    assert found.scores["tstr"][1] < found.scores["tstr"][0] < found.scores["tstr"][2]


def test_many_classes_are_judged_one_against_the_others() -> None:
    real, _, test = sides(people(0, 1_200), people(1, 1_200), people(2, 1_200))
    task = utility.Task.of(test, real, "plan")
    assert task.kind == utility.MANY
    chances = task.fit(real)(task.inputs(test))
    goal = task.goal(test)
    from sklearn.metrics import roc_auc_score

    expected = np.mean([roc_auc_score(goal == k, chances[:, k]) for k in range(3)])
    assert task.score(test, chances)[0] == pytest.approx(expected)


def test_one_class_in_the_synthetic_rows_is_a_guess() -> None:
    real, made, test = sides(people(0), replaced(people(1), "left", ["no"] * 400), people(2))
    assert utility.pairings(real, made, test, "left").scores["tstr"][0] == 0.5


def test_lift_by_hand() -> None:
    task = utility.Task("t", utility.BINARY, np.array([0, 1]))
    goal = np.zeros(100, np.int64)
    goal[:20] = 1
    score = np.zeros((100, 2))
    score[:10, 1] = 1
    assert task.top(goal, score) == pytest.approx(5)
    assert task.top(goal, np.stack([score[:, 0], -np.arange(100)], 1)) == pytest.approx(5)
    assert task.top(goal, np.stack([score[:, 0], np.arange(100)], 1)) == 0
    assert np.isnan(task.top(np.zeros(100, np.int64), score))


def test_more_rows_of_the_same_help_and_rows_of_smote_balance() -> None:
    real, made, test = sides(people(0, 120), people(1, 2_000), people(2, 1_500))
    found = utility.augmentation(real, made, test, "left")
    assert found["augmentation_gain"][1] > 0
    task = utility.Task.of(test, real, "left")
    more = utility.smote(task, real)
    assert more is not None
    counts = np.bincount(more.columns["left"])
    assert counts[0] == counts[1] == np.bincount(real.columns["left"]).max()
    np.testing.assert_array_equal(more.columns["income"][: real.rows], real.columns["income"])
    assert utility.smote(utility.Task.of(test, real, "income"), real) is None


def test_tuning_looks_at_the_rows_it_is_given_only() -> None:
    real, made, test = sides(people(0, 300), people(1, 300), people(2, 300))
    task = utility.Task.of(test, real, "left")
    settings = utility.tuned(task, made)
    assert set(settings) == {"max_depth", "min_child_weight", "gamma", "n_estimators"}
    assert settings["n_estimators"] in utility.TREES


# ---- privacy


def test_copies_are_counted() -> None:
    real = people(0, 300)
    mixed = pa.concat_tables([real.slice(0, 30), people(1, 70)])
    here, there = sides(real, mixed)
    np.testing.assert_array_equal(attacks.copies(there, here), np.arange(100) < 30)


def test_distance_shares_of_like_tables_and_of_a_copy() -> None:
    real, made, test = sides(people(0, 1_500), people(1, 1_500), people(2, 1_500))
    here = [points(side, real) for side in (real, made, test)]
    like, copy = (attacks.closest(side, here[0], here[2]) for side in (here[1], here[0]))
    assert like.share[1] < 0.5 < like.share[2]
    assert like.balanced == pytest.approx(0.5, abs=0.01)
    assert copy.share[0] == 1
    near, same = (attacks.nearness(side, here[0], here[2]) for side in (here[1], here[0]))
    assert near.near_test == pytest.approx(0.05, abs=0.002)
    assert near.near[1] < 0.05 < near.near[2]
    assert near.ratio[1] < 0.05 < near.ratio[2]
    assert same.near[0] == same.ratio[0] == 1


def test_of_ties_neither_side_is_nearer() -> None:
    rng = np.random.default_rng(0)
    words = [pa.table({"a": rng.choice(list("xyz"), 300), "b": rng.choice(list("pq"), 300)}) for _ in range(3)]
    real, made, test = sides(*words)
    found = attacks.closest(*(points(side, real) for side in (made, real, test)))
    assert found.share[0] == found.balanced == 0


@pytest.mark.parametrize("unseen", [100, 400])
def test_intervals_of_distances_know_that_test_rows_are_a_draw(unseen: int) -> None:
    """Of like tables, drawn again and again, 95% of the intervals should hold their ideal."""
    rng, held = np.random.default_rng(0), []
    for _ in range(120):
        real, made, test = (
            Points(rng.normal(size=(rows, 2)).astype(np.float32), np.zeros((rows, 0), np.int32), ())
            for rows in (unseen, 400, unseen)
        )
        found, near = attacks.closest(made, real, test), attacks.nearness(made, real, test)
        intervals = [(found.share, found.balanced), (near.near, near.near_test), (near.ratio, near.ratio_test)]
        held.append([low <= ideal <= high for (_, low, high), ideal in intervals])
    assert (np.mean(held, axis=0) >= 0.88).all()


def test_a_secret_is_guessed_from_a_copy_and_not_from_a_like_table() -> None:
    real, made, test = sides(people(0, 1_000), people(1, 1_000), people(2, 1_000))
    for secret in ("plan", "income"):
        there, here, unseen = ((side, points(side.without(secret), real)) for side in (real, made, test))
        like, copy = (attacks.attribute_inference(secret, known, there, unseen) for known in (here, there))
        assert like.advantage[1] <= 0.02
        assert copy.members[0] > 0.9
        assert copy.advantage[1] > 0.1


def test_an_outlier_does_not_hide_a_leak_of_a_number() -> None:
    real, test = people(0, 800), people(2, 800)
    wild = np.asarray(real["income"]).copy()
    wild[0] = 5e6
    here, unseen = sides(replaced(real, "income", wild), test)
    known = [(side, points(side.without("income"), here)) for side in (here, here, unseen)]
    assert attacks.attribute_inference("income", *known).advantage[1] > 0.3


def test_a_secret_or_target_that_is_missing_is_left_out() -> None:
    real, made, test = sides(people(0, 600), people(1, 600), people(2, 600))
    known = [(side, points(side.without("age"), real)) for side in (made, real, test)]
    found = attacks.attribute_inference("age", *known)
    there = int((~real.missing("age")).sum())
    assert found.members[0] * there == pytest.approx(round(found.members[0] * there))
    assert real.known("age").rows == there < 600
    assert real.known("plan") is real
