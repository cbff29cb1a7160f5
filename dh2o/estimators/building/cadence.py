"""When a growing model is measured: H2O's rule by the clock."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cadence"]

_INTERVAL_S = 4.0
_DUTY = 0.1  # share of the time that measuring may take
_CHEAP_S = 0.005


@dataclass(slots=True)
class Cadence:
    """Says whether it is time to measure again.

    In the first four seconds after every iteration, then at most every four seconds; never more
    than a tenth of the time. (H2O measures in its first four seconds whatever it takes; here only
    what takes less than 5 ms.) Times are seconds of one clock.
    """

    first: float | None = None
    started: float = 0.0
    ended: float = 0.0

    def is_due(self, now: float) -> bool:
        """Return whether the model should be measured now."""
        if self.first is None:
            return True
        took = self.ended - self.started
        if now - self.first < _INTERVAL_S:
            return took < _CHEAP_S or took < _DUTY * (now - self.ended)
        return now - self.started > _INTERVAL_S and took < _DUTY * (now - self.started)

    def measured(self, started: float, ended: float) -> None:
        """Note a measurement."""
        if self.first is None:
            self.first = started
        self.started, self.ended = started, ended
