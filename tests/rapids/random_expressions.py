"""Random well-typed expressions: every rule gives an expression of the kind that it promises."""

from __future__ import annotations

from collections.abc import Sequence

from random_frames import RandomFrame
from random_reshapes import ReshapeRules

__all__ = ["Generator"]


class Generator(ReshapeRules):
    """Draws expressions over some frames; the same seed gives the same expressions.

    `words` is a file with a word a line, which both sides can read.
    """

    def __init__(
        self, seed: int, frames: Sequence[RandomFrame], words: str = "", depth: int = 3
    ) -> None:
        super().__init__(seed, frames)
        self.words = words
        self._depth = depth

    def expression(self) -> str:
        """Return the next expression."""
        self.frame = self.rng.choice(self._frames)
        rule = self.rng.choice(
            (
                *(self.number_column, self.enum, self.text, self.time, self.wide),
                *(self.table, self.value, self.reshaped, self.reshaped),
            )
        )
        return rule(self.rng.randint(1, self._depth))
