"""The rows that an earlier model goes on with: they may have fewer levels than those before."""

from __future__ import annotations

import numpy as np

from dh2o.estimators.building.encode_frame import encoded_frame
from dh2o.frame import Frame
from dh2o.models import Model, ModelParameters
from dh2o.models.encoding import Encoding, EncodingStep
from dh2o.mrtask import current_engine

__all__ = ["continued_model", "with_levels_of"]


def continued_model(params: ModelParameters) -> Model | None:
    """Return the model that ``checkpoint`` names, None if there is none."""
    key = params.get("checkpoint")
    found = None if key is None else current_engine().dkv.find(key)
    return found if isinstance(found, Model) else None


def with_levels_of(before: Model, frame: Frame) -> Frame:
    """Return the frame whose factors have the levels of `before`, where it knows all of theirs."""
    output = before.output
    domains = dict(zip(output.names, output.domains, strict=True))
    if output.encoding is not None:
        domains |= dict(zip(output.encoding.names, output.encoding.domains, strict=True))
    steps = []
    for name, vec in zip(frame.names, frame.vecs, strict=True):
        known, own = domains.get(name), vec.domain
        if known is None or own is None or known == own or not set(own) <= set(known):
            continue
        where = {level: code for code, level in enumerate(known)}
        values = np.array([where[level] for level in own], dtype=np.float64)
        steps.append(EncodingStep(name, own, "map", (name,), values, known))
    if not steps:
        return frame
    return encoded_frame(frame, Encoding("map", (), (), tuple(steps)), frame.names)
