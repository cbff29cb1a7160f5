"""Parameters of the import of a MOJO."""

from __future__ import annotations

from dh2o.estimators.params import Param, ParamTable

__all__ = ["PARAMS"]

PARAMS = ParamTable(
    "generic",
    (
        Param(
            "model_id",
            "Key<Model>",
            doc="Destination id for this model; auto-generated if not specified.",
            level="critical",
        ),
        Param(
            "model_key",
            "Key<Frame>",
            doc="Key to the self-contained model archive already uploaded to H2O.",
            level="critical",
        ),
        Param(
            "path",
            "string",
            doc="Path to file with self-contained model archive.",
            level="critical",
        ),
    ),
)
