"""Fixed point: how many bits of a 64-bit word the gradient gets, and how many the weight.

The choice depends on the data alone: the sum over all rows must fit, however they are spread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dh2o.errors import ModelError
from dh2o.estimators.trees.arrays import F64, I64

__all__ = ["FixedPoint", "WeightFacts"]

_MAX_GRADIENT_BITS = 40
_NARROW_BITS = 30
_NEAREST_BITS = 20  # with fewer bits gradients are rounded at random, which keeps sums unbiased


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """What the fixed point needs to know about the rows that learn."""

    n_rows: int
    total: float
    largest: float
    whole: bool  # all weights are integers

    @property
    def n_repeated(self) -> int:
        """Rows there would be if each were repeated as often as its weight says."""
        return int(self.total) if self.whole else self.n_rows


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Scales of one training: a word is ``gradient << shift | weight``."""

    n_rows: int
    shift: int
    weight_scale: float
    mean_weight: float
    curved: bool = False  # the weights in words are second derivatives, of rows of weight 1
    all_weigh_one: bool = False  # rows that learn; others weigh nothing

    @classmethod
    def of(cls, facts: WeightFacts, bound_d: float = 0.0) -> FixedPoint:
        """Return the scales for these weights: exact for integers, else 10 bits a mean weight.

        With `bound_d`, the largest second derivative of a row, words hold those instead, provided
        that all rows weigh 1 (and are counted apart).
        """
        n = max(facts.n_rows, 1)
        if bound_d > 0.0 and facts.largest == 1.0 and facts.total == facts.n_rows:
            bits = min(10, max(2, (62 - 2 * n.bit_length()) // 3))
            scale = 2.0**bits / bound_d
            return cls(n, (n << bits).bit_length() + 1, scale, scale, True)
        if facts.whole and facts.total < 2**31:
            scale, bound = 1.0, facts.total
        else:
            mean = facts.total / n
            spare = min(10, max(2, (63 - 2 * n.bit_length()) // 3))
            scale = 2.0 ** (spare - math.ceil(math.log2(mean)))
            bound = facts.total * scale + n
        shift = int(bound).bit_length() + 1
        ones = facts.whole and facts.largest <= 1 and scale == 1.0
        mean = max(facts.total * scale / n, 1e-300)
        fixed = cls(n, shift, scale, mean, all_weigh_one=ones)
        if fixed.gradient_bits < 1:
            raise ModelError(
                f"{n} rows of a total weight of {facts.total:g} are more than sums of trees can "
                "hold exactly. Train on a sample of the rows, or scale the weights down."
            )
        return fixed

    @property
    def is_narrow(self) -> bool:
        """Whether a row's word is known by its gradient, which fits four bytes."""
        return self.all_weigh_one and self.gradient_bits <= _NARROW_BITS

    @property
    def gradient_bits(self) -> int:
        """Bits of one row's gradient, without sign."""
        return min(62 - self.shift - self.n_rows.bit_length(), _MAX_GRADIENT_BITS)

    @property
    def rounds_at_random(self) -> bool:
        """Whether gradients are rounded at random."""
        return self.gradient_bits < _NEAREST_BITS

    @property
    def square_shift(self) -> int:
        """Bits cut off a word before it is squared, so that sums of squares fit."""
        spare = (62 - self.n_rows.bit_length()) // 2
        return self.shift + max(self.gradient_bits - spare, 0)

    @property
    def weight_mask(self) -> int:
        """Mask of the weight by which a row's square is divided: none if words hold no weights."""
        return 0 if self.curved else (1 << self.shift) - 1

    def gradient_scale(self, bound: float) -> float:
        """Return the power of two that makes gradients up to `bound` use their bits."""
        return _power_of_two(2.0**self.gradient_bits, bound)

    def scales(self, bound_z: float, bound_d: float) -> F64:
        """Return the scales of gradient, weight and leaf term, the square shift, and `curved`."""
        terms = _power_of_two(2.0**30, bound_d)
        return np.array(
            [
                self.gradient_scale(bound_z),
                self.weight_scale,
                terms,
                float(self.square_shift),
                float(self.curved),
            ]
        )

    def weight_of(self, sums: I64) -> F64:
        """Return the weights in these word sums."""
        return (sums & ((1 << self.shift) - 1)) / self.weight_scale

    def gradient_of(self, sums: I64, bound: float) -> F64:
        """Return the weighted residuals in these word sums."""
        return (sums >> self.shift) / self.gradient_scale(bound)


def _power_of_two(most: float, bound: float) -> float:
    if not (0.0 < bound < math.inf):
        return 1.0
    return 2.0 ** math.floor(math.log2(most) - math.log2(bound))
