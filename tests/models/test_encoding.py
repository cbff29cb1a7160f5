"""Encodings of categorical columns: names and values as real H2O 3.46 gives them."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.errors import ModelError
from dh2o.models.adapt import ColumnInfo, TileSource
from dh2o.models.encoding import Encoding, EncodingStep
from dh2o.models.score_block import adaptation_of

LEVELS = ("L3", "L5", "L7")
CODES = np.array([0.0, 2.0, np.nan, 1.0])


def test_one_hot_has_a_column_for_na() -> None:
    made = EncodingStep.one_hot("d", LEVELS).columns(CODES)
    assert list(made) == ["d.L3", "d.L5", "d.L7", "d.missing(NA)"]
    assert np.argmax(list(made.values()), axis=0).tolist() == [0, 2, 3, 1]


@pytest.mark.parametrize(("n", "bits"), [(1, 1), (3, 2), (4, 3), (16, 5)])
def test_binary_counts_na_as_zero(n: int, bits: int) -> None:
    step = EncodingStep.binary("c", tuple(f"v{i}" for i in range(n)))
    assert step.names == tuple(f"c:{k}" for k in range(bits))
    codes = np.array([np.nan, *range(n)])
    made = list(step.columns(codes).values())
    assert sum(bit * 2**k for k, bit in enumerate(made)).tolist() == list(range(n + 1))


def test_a_map_keeps_na() -> None:
    step = EncodingStep("d", LEVELS, "map", ("d.Eigen",), np.array([0.5, -1.0, 2.0]))
    np.testing.assert_array_equal(step.columns(CODES)["d.Eigen"], [0.5, 2.0, np.nan, -1.0])


def encoding(*steps: EncodingStep) -> Encoding:
    return Encoding("?", ("a", "d", "w", "y"), (None, LEVELS, None, ("no", "yes")), steps)


def test_columns_stay_in_place_one_for_one_and_follow_the_others_else() -> None:
    label = EncodingStep("d", LEVELS, "map", ("d",), np.arange(3.0))
    swapped = Encoding("?", ("d", "a", "y"), (LEVELS, None, None), (label,))
    assert swapped.encoded_names(("y",)) == ("d", "a", "y")
    found = encoding(EncodingStep.binary("d", LEVELS)).encoded_names(("w", "y"))
    assert found == ("a", "d:0", "d:1", "w", "y")


class FakeOutput:
    """What `adaptation_of` reads of a model's output."""

    def __init__(self, step: EncodingStep) -> None:
        self.encoding = encoding(step)
        self.names = self.encoding.encoded_names(("y",))
        self.domains = tuple(self.encoding.domain_of(n) for n in self.names)
        self.response, self.weights, self.offset, self.fold = "y", None, None, None


class FakeModel:
    def __init__(self, step: EncodingStep) -> None:
        self.output = FakeOutput(step)


def adapted(offered: dict[str, np.ndarray], step: EncodingStep, **domains: tuple[str, ...]) -> dict:
    infos = tuple(
        ColumnInfo(n, "enum" if n in domains else "numeric", domains.get(n)) for n in offered
    )
    plan = adaptation_of(FakeModel(step), infos)  # type: ignore[arg-type]  # a fake
    values = list(offered.values())
    columns = plan.columns(TileSource(lambda i: values[i], lambda i: values[i]), 2)
    return {"warnings": plan.warnings, **columns}


def test_frames_come_raw_or_encoded() -> None:
    step = EncodingStep.binary("d", LEVELS)
    one, w = np.ones(2), np.zeros(2)
    raw = adapted({"a": one, "w": w, "d": np.array([0.0, 1.0])}, step, d=("L7", "new"))
    assert raw["d:0"].tolist() == [1, 0]  # L7 is number 3, an unseen level counts as NA
    assert raw["d:1"].tolist() == [1, 0]
    assert raw["warnings"] == (
        "Test/Validation dataset column 'd' has levels not trained on: [\"new\"]",
    )
    made = adapted({"a": one, "w": w, "d:0": one, "d:1": w}, step)
    assert made["d:0"].tolist() == [1, 1]
    assert made["warnings"] == ()
    missing = adapted({"a": one, "w": w}, step)
    assert missing["d:0"].tolist() == [0, 0]
    assert missing["warnings"] == (
        "Test/Validation dataset is missing column 'd': substituting in a column of NaN",
    )


def test_a_damaged_encoding_is_refused() -> None:
    with pytest.raises(ModelError, match="damaged"):
        EncodingStep("d", LEVELS, "map", ("d",), np.arange(2.0))
