"""Trees by H2O's own rules: every node bins each column anew, between what it holds."""

from __future__ import annotations
