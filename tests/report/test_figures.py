import base64
import datetime
import xml.etree.ElementTree as ElementTree

import numpy as np
import pyarrow as pa
import pytest

from gans.data.detection import detect
from gans.data.level_order import in_order
from gans.data.schema import Column
from gans.evaluation.associations import associations, correlation_ratio, cramers_v
from gans.evaluation.column_counts import Histogram, Levels, marginal, shares
from gans.evaluation.results import Evaluation, Score
from gans.findings.kept import Kept
from gans.report.arms import share_figures
from gans.report.dark import NIGHT, PAPER, dark_color
from gans.report.evaluation import ATTACKS_TITLE, evaluation_figures
from gans.report.figures import (
    WIDTH,
    association_figure,
    canvas,
    label,
    legend,
    marginal_figure,
    marginal_grid,
    render,
    score_curves,
    series,
    training_curves,
)

FLOOR = {"score": 0.98, "column_distance": 0.01, "pair_distance": 0.03}


def column(kind: str) -> Column:
    return Column(name="x", kind=kind, type="")


def chunked(values: list | np.ndarray, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def words(figure) -> str:
    """Every text of a figure, as it stands in its SVG."""
    return " ".join(ElementTree.fromstring(render(figure, "svg")).itertext())


def test_histogram_counts_every_row_of_a_heavy_tail_once() -> None:
    rng = np.random.default_rng(0)
    real = [*rng.lognormal(0, 3, 980), *[None] * 20]
    synthetic = [*rng.lognormal(1, 3, 450), *[None] * 50]
    found = marginal(chunked(real), chunked(synthetic), column("numeric"))
    assert isinstance(found, Histogram)
    assert found.rows.tolist() == [1000, 500]
    assert found.missing.tolist() == [20, 50]
    assert found.outside[0] == 10  # five of 980 on either side
    present = np.array(real[:980], dtype=float)
    inside = (present >= found.edges[0]) & (present <= found.edges[-1])
    assert found.counts[0].sum() == inside.sum()
    assert found.edges[-1] < present.max() / 2
    assert "missing: 2.0% real, 10.0% synthetic" in found.note()
    assert "beyond the axis: 1.0% real" in found.note()


def test_integer_bins_have_one_whole_width() -> None:
    found = marginal(chunked(list(range(200)) * 5), chunked([0, 1]), column("integer"))
    assert isinstance(found, Histogram)
    assert set(np.diff(found.edges)) == {5.0}
    assert (found.edges % 1 == 0.5).all()


@pytest.mark.parametrize("kind", ["numeric", "integer", "datetime"])
@pytest.mark.parametrize(
    ("real", "synthetic"),
    [
        ([7] * 20, [7] * 20),
        ([None] * 20, [3] * 20),
        ([1, 2, 3], [None] * 5),
        ([0] * 999 + [10**6], [0, 5]),
    ],
)
def test_degenerate_numbers_are_counted_and_drawn(kind: str, real: list, synthetic: list) -> None:
    type_ = pa.timestamp("s", tz="Europe/Berlin") if kind == "datetime" else pa.int64()
    found = marginal(chunked(real, type_), chunked(synthetic, type_), column(kind))
    assert found.rows.tolist() == [len(real), len(synthetic)]
    assert render(marginal_figure(found), "svg")


def test_integers_finer_than_floats_are_drawn() -> None:
    found = marginal(chunked([4 * 10**18 + i for i in range(30)]), chunked([4 * 10**18]), column("integer"))
    assert found.rows.tolist() == [30, 1]
    assert render(marginal_figure(found), "svg")


def test_placeholder_times_of_the_year_9999_are_drawn() -> None:
    last = datetime.datetime(9999, 12, 31)
    found = marginal(chunked([last] * 50), chunked([last, None]), column("datetime"))
    assert found.rows.tolist() == [50, 2]
    assert isinstance(found, Histogram)
    assert found.counts.sum() == 51
    assert render(marginal_figure(found), "svg")


def test_rare_and_further_levels_are_folded() -> None:
    real = ["a"] * 40 + ["b"] * 5 + ["Rare Person"] * 4 + [None] * 3
    synthetic = ["a"] * 10 + ["Rare Person"] * 9 + ["never seen"]
    found = marginal(chunked(real), chunked(synthetic), column("category"))
    assert isinstance(found, Levels)
    assert found.names == ["a", "b"]
    assert found.counts.tolist() == [[40, 5], [10, 0]]
    assert found.other.tolist() == [4, 10]
    assert (found.folded, found.missing.tolist(), found.rows.tolist()) == (2, [3, 0], [52, 20])
    text = words(marginal_figure(found))
    assert "(2 other levels)" in text
    assert "(missing)" in text
    assert "Rare Person" not in text
    assert "never seen" not in text


def test_a_thousand_levels_show_twelve() -> None:
    found = marginal(chunked([f"l{i % 1000}" for i in range(9000)]), chunked(["l0"]), column("category"))
    assert isinstance(found, Levels)
    assert (len(found.names), found.folded, found.rows.tolist()) == (12, 988, [9000, 1])


@pytest.mark.parametrize(("kind", "values"), [("boolean", [True, False]), ("category", [0, 1]), ("category", [0.5, 1])])
def test_levels_of_any_type_have_names(kind: str, values: list) -> None:
    found = marginal(chunked(values * 10), chunked(values), column(kind))
    assert isinstance(found, Levels)
    assert found.counts.tolist() == [[10, 10], [1, 1]]


def test_shares_sum_to_one_and_need_no_rows() -> None:
    assert shares(np.array([[1, 3], [0, 0]]), np.array([4, 0])).tolist() == [[0.25, 0.75], [0, 0]]


def test_texts_from_the_table_are_drawn_as_they_are() -> None:
    names = ["<script>x</script>", "$a_b$", "$\\broken{$", "\u65e5\u672c", "nul\x01line\n"]
    found = marginal(chunked(names * 6), chunked(names), column("category"))
    text = words(marginal_figure(found))
    for name in names[:4]:
        assert name in text
    assert "nul\N{REPLACEMENT CHARACTER}line\N{REPLACEMENT CHARACTER}" in text
    assert b"<script" not in render(marginal_figure(found), "svg")
    assert render(marginal_figure(found), "png").startswith(b"\x89PNG")
    assert label("x" * 90, 10) == "x" * 9 + "…"


def test_the_same_figure_gives_the_same_bytes() -> None:
    found = marginal(chunked([1.5, 2.5, 3.5]), chunked([1.5]), column("numeric"))
    assert render(marginal_figure(found), "svg") == render(marginal_figure(found), "svg")


def test_grid_names_every_column() -> None:
    names = ["a", "b", "c", "$d$", "\u5e74"]
    table = pa.table({name: np.arange(30) % 7 for name in names})
    figure = marginal_grid(table, table, detect(table).features)
    text = words(figure)
    assert all(name in text for name in names)
    assert len(figure.axes) == 8


def test_series_leaves_out_what_is_not_finite() -> None:
    history = [{"step": 1, "a": 1.0}, {"step": 2, "a": float("nan")}, {"step": 3, "a": None}, {"step": 4}]
    steps, values = series(history, "a")
    assert (steps.tolist(), values.tolist()) == ([1.0], [1.0])


def test_training_curves_draw_each_recorded_group() -> None:
    history = [
        {"step": i, "loss/generator": 1.0, "loss/discriminator": 0.5, "penalty/r1": 0.1, "penalty/$x$": 0.2}
        for i in range(1, 5)
    ]
    figures = training_curves(history)
    assert list(figures) == ["Losses", "Penalties"]
    assert "r1" in words(figures["Penalties"])
    assert "$x$" in words(figures["Penalties"])
    assert training_curves([]) == {}


def test_a_spike_does_not_flatten_a_curve() -> None:
    history = [{"step": i, "loss/generator": 1e9 if i == 50 else np.sin(i)} for i in range(1, 200)]
    figure = training_curves(history)["Losses"]
    assert figure.axes[0].get_ylim()[1] < 3
    assert "central 98%" in words(figure)


def test_score_curves_mark_the_kept_step() -> None:
    history = [
        {"step": step, "holdout/score": score, "holdout/column_distance": 0.1, "holdout/pair_distance": 0.2}
        for step, score in ((100, 0.7), (200, 0.9), (300, 0.8))
    ]
    figures = score_curves(history, FLOOR, Kept(300, "score", 0.8), last=400)
    assert "kept: step 300, 0.800" in words(figures["Score (higher is better)"])
    assert "kept: step 300" in words(figures["Distances (lower is better)"])
    ends = {figure.axes[0].get_xlim() for figure in figures.values()}
    assert ends == {(0, 412)}  # one axis for both, to the end of training
    assert "kept" not in words(score_curves(history, FLOOR)["Score (higher is better)"])
    assert score_curves([{"step": 1}], FLOOR) == {}
    assert score_curves(history[:1], FLOOR) == {}  # one value is no curve


@pytest.mark.parametrize(
    ("levels", "ordered"),
    [
        (["Sun", "mon", "Wed"], ["mon", "Wed", "Sun"]),
        (["Friday", "Monday"], ["Monday", "Friday"]),
        (["\u5468\u65e5", "\u5468\u4e00"], ["\u5468\u4e00", "\u5468\u65e5"]),
        (["Dec", "May", "Jan"], ["Jan", "May", "Dec"]),
        (["10+", "2 to 4", "5 to 9", "1"], ["1", "2 to 4", "5 to 9", "10+"]),
        (["Sun", "moon"], ["Sun", "moon"]),
        (["1 a", "1 b"], ["1 a", "1 b"]),
        ([], []),
    ],
)
def test_levels_stand_in_the_order_of_the_calendar_or_their_numbers(levels: list[str], ordered: list[str]) -> None:
    assert in_order(levels) == ordered


def test_weekdays_are_drawn_in_order_with_their_own_counts() -> None:
    real = ["Sun"] * 30 + ["Mon"] * 10 + ["Fri"] * 20 + [None] * 5
    axes = marginal_figure(marginal(chunked(real), chunked(real), column("category"))).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["Mon", "Fri", "Sun", "(missing)"]
    lengths = [bar.get_width() for bar in axes.patches[:4]]
    np.testing.assert_allclose(lengths, np.array([10, 20, 30, 5]) / 65)


def test_legends_lie_within_their_figure() -> None:
    figure, axes = canvas(WIDTH, 2)
    for name in ("a rather long name of a line", "and another one that is long", "short", "a fourth line"):
        axes.plot([0, 1], label=name)
    legend(axes)
    (drawn,) = figure.legends
    figure.draw_without_rendering()
    box = drawn.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert [text.get_text() for text in drawn.get_texts()] == [str(line.get_label()) for line in axes.lines]


def test_shares_of_segments_have_one_axis_that_holds_every_interval() -> None:
    table = [
        ["a", "Tue", 0.1, 0.1, 0.1, 0.02, 0.3],
        ["a", "Mon", 0.2, 0.3, 0.2, 0.1, 0.4],
        ["a", None, 0.1, 0.1, 0.1, 0, 0.2],
        ["b", "Tue", 0.1, 0.1, 0.5, 0.2, 0.85],
        ["b", "Mon", 0.9, 0.1, 0.1, 0.0, 0.3],
        ["b", None, 0, 0, 0, 0, 0.1],
    ]
    figures = share_figures(table, ["a", "b"], ["Tue", "Mon", None])
    assert list(figures) == ["a", "b"]
    (limits,) = {figure.axes[0].get_xlim() for figure in figures.values()}
    assert limits[0] <= 0
    assert limits[1] > 0.9
    names = [text.get_text() for text in figures["a"].axes[0].get_yticklabels()]
    assert names == ["Mon", "Tue", "missing"]


def test_intervals_of_attacks_lie_within_their_axis_and_one_value_is_no_chart() -> None:
    found = Evaluation("standard", {})
    found.scores = {
        "membership_nearest_auc": Score(0.5, 0.21, 0.62),
        "membership_worst_auc": Score(0.7, 0.32, 1.0),
    }
    found.details = {
        "worst columns": {"a": (0.3, 0.1), "b": (0.2, 0.1)},
        "worst pairs": {("a", "b"): (0.6, 0.1), ("a", "c"): (0.2, 0.1)},
        "given away by columns": {"only": 1.0},
    }
    figures = evaluation_figures(found)
    assert list(figures) == ["Worst columns", "Worst pairs", ATTACKS_TITLE]
    low, high = figures[ATTACKS_TITLE].axes[0].get_xlim()
    assert low < 0.21
    assert high > 1.0
    columns, pairs = (figures[title].axes[0].get_xlim() for title in ("Worst columns", "Worst pairs"))
    assert columns == pairs
    assert columns[1] > 60
    text = words(figures[ATTACKS_TITLE])
    assert "by nearest row" in text
    assert "worst membership attack" in text


@pytest.mark.parametrize(
    "color", ["#44505c", "#c9d0d6", "#eceff1", "#3d6c99", "#d4692a", "#8a6bb0", "#b3402f", "#000000"]
)
def test_dark_colours_can_be_told_from_the_dark_page(color: str) -> None:
    least = 4 if color in ("#44505c", "#000000") else 1.15 if color in ("#c9d0d6", "#eceff1") else 3
    assert contrast(dark_color(color), NIGHT) > least
    assert dark_color(PAPER) == NIGHT


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 has it."""

    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def test_associations_of_known_answers() -> None:
    rng = np.random.default_rng(0)
    number = rng.normal(size=4000)
    letter = rng.integers(0, 3, 4000)
    table = pa.table(
        {
            "number": number,
            "minus": -number,
            "letter": np.array(["p", "q", "r"])[letter],
            "same": np.array(["x", "y", "z"])[letter],
            "by letter": letter * 2.0 + rng.normal(size=4000),
            "gone": pa.array([None] * 4000, pa.float64()),
        }
    )
    columns = [
        Column(name=name, kind="category" if name in ("letter", "same") else "numeric", type="")
        for name in table.column_names
    ]
    found = associations(table, table, columns)
    assert np.array_equal(found, found.T)
    assert found[0, 1] == pytest.approx(-1)
    assert found[2, 3] == pytest.approx(1)
    assert abs(found[0, 2]) < 0.05
    between = np.var([0.0, 2.0, 4.0])
    assert found[2, 4] == pytest.approx(np.sqrt(between / (between + 1)), abs=0.02)
    assert (found[5, :5] == 0).all()


def test_bias_correction_gives_noise_no_association() -> None:
    rng = np.random.default_rng(1)
    left, right = rng.integers(0, 40, 1000), rng.integers(0, 40, 1000)
    assert cramers_v(left, right) < 0.1
    assert correlation_ratio(left, rng.normal(size=1000)) < 0.15
    assert cramers_v(np.array([-1, -1]), np.array([0, 1])) == 0
    assert cramers_v(np.array([0, 0]), np.array([0, 1])) == 0
    assert correlation_ratio(np.array([0, 1]), np.array([np.nan, 1.0])) == 0


def test_association_figure_names_sixty_columns() -> None:
    names = [f"${i} <column>" for i in range(60)]
    matrix = np.eye(60)
    svg = render(association_figure(names, matrix, matrix / 2), "svg")
    text = " ".join(ElementTree.fromstring(svg).itertext())
    assert all(name in text for name in names)
    assert "synthetic minus real" in text
    assert len(base64.b64encode(svg)) < 500_000
