"""Rows exchanged between workers by ranges of their keys, for frames that no process could hold.

Every block's packed keys are sorted where the block lies (a *run*); runs are cut at the same keys
(`splits`); what lies between two cuts of a block is a *piece*, and the pieces of a range meet on
one worker, which merges, joins or groups them. Whatever waits may be spilled.
"""

from __future__ import annotations
