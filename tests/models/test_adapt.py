from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dh2o.errors import ModelError
from dh2o.models.adapt import ColumnInfo, TileSource, Wanted, number_codes, plan_adaptation, recoded

WANTED = Wanted(
    ("x", "c", "y"),
    (None, ("a", "b"), ("n", "p")),
    response="y",
    weights="w",
    offset="o",
    fold="f",
    with_metrics=True,
)
X, Y = ColumnInfo("x", "numeric"), ColumnInfo("y", "enum", ("n", "p"))
C = ColumnInfo("c", "enum", ("a", "b"))


def values(offered: list[ColumnInfo], columns: list[object], n: int = 3) -> dict[str, np.ndarray]:
    source = TileSource(
        lambda i: np.asarray(columns[i], dtype=float), lambda i: pa.array(columns[i])
    )
    return dict(plan_adaptation(WANTED, offered).columns(source, n))


def test_order_does_not_matter_and_more_columns_are_passed_over() -> None:
    more = ColumnInfo("more", "string")
    plan = plan_adaptation(WANTED, [Y, more, C, X])
    assert [p.source for p in plan.plans] == [3, 2, 0]
    assert all(p.is_plain for p in plan.plans)
    assert plan.warnings == ()


def test_levels_are_renumbered_and_unseen_ones_are_na() -> None:
    other = ColumnInfo("c", "enum", ("z", "b", "a"))
    found = values([X, other, Y], [[1, 2, 3], [0, 1, 2], [0, 1, np.nan]])
    np.testing.assert_array_equal(found["c"], [np.nan, 1, 0])
    (warning,) = plan_adaptation(WANTED, [X, other, Y]).warnings
    assert warning == """Test/Validation dataset column 'c' has levels not trained on: ["z"]"""


def test_missing_predictor_is_na_with_a_warning() -> None:
    plan = plan_adaptation(WANTED, [X, Y])
    assert plan.warnings == (
        "Test/Validation dataset is missing column 'c': substituting in a column of NaN",
    )
    found = values([X, Y], [[1, 2, 3], [0, 1, 0]])
    assert np.isnan(found["c"]).all()


def test_texts_and_whole_numbers_find_their_levels() -> None:
    texts = ColumnInfo("c", "string")
    found = values([X, texts, Y], [[1, 2, 3], ["b", None, "q"], [0, 1, 0]])
    np.testing.assert_array_equal(found["c"], [1, np.nan, np.nan])
    wanted = Wanted(("c",), (("10", "9"),))
    plan = plan_adaptation(wanted, [ColumnInfo("c", "numeric")])
    source = TileSource(lambda _: np.array([9.0, 10.0, 9.5, np.nan]), lambda _: None)
    np.testing.assert_array_equal(plan.columns(source, 4)["c"], [1, 0, np.nan, np.nan])


@pytest.mark.parametrize(
    ("offered", "message"),
    [
        ([ColumnInfo("x", "enum", ("a",)), C, Y], "categorical column 'x' which is real-valued"),
        ([ColumnInfo("x", "string"), C, Y], "string column 'x' which is numeric"),
        ([X, ColumnInfo("c", "numeric"), Y], "non-categorical column 'c'"),
        ([X, C], "missing response column 'y'"),
        ([X, C, ColumnInfo("y", "enum", ("q",))], "no levels in common"),
    ],
)
def test_what_does_not_fit_is_refused(offered: list[ColumnInfo], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        plan_adaptation(WANTED, offered)


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(ModelError, match="no columns in common"):
        plan_adaptation(Wanted(("x",), (None,)), [ColumnInfo("z", "numeric")])


def test_special_columns_have_their_own_rules() -> None:
    wanted = Wanted(("x", "o"), (None, None), offset="o")
    with pytest.raises(ModelError, match="missing offset column 'o'"):
        plan_adaptation(wanted, [X])
    weights = Wanted(("x", "w"), (None, None), weights="w", with_metrics=True)
    plan = plan_adaptation(weights, [X])
    assert "column of 1s" in plan.warnings[0]
    assert plan.plans[1].fill == 1.0


def test_recoding_beyond_the_table_gives_na() -> None:
    np.testing.assert_array_equal(
        recoded(np.array([0.0, 5.0, np.nan]), np.array([7.0])), [7, np.nan, np.nan]
    )
    np.testing.assert_array_equal(number_codes(np.array([3.0]), np.array([5, 3])), [1])
