"""How categorical columns were encoded, in the MOJOs of the algorithms that encode."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from dh2o.models.encoding import Encoding, EncodingStep
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.source import MojoSource
from dh2o.models.output import ModelOutput

__all__ = ["read_encoding", "write_encoding"]

#: H2O's names of encodings in MOJOs, by what ``categorical_encoding`` says.
_SAME = ("AUTO", "Enum", "SortByResponse")
_MADE = {"OneHotExplicit": "one_hot", "Binary": "binary", "LabelEncoder": "map"}
_BY_TABLE = ("Eigen", "EnumLimited")
_OTHER = "other"  # the level of all those that are not kept
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
Domain = tuple[str, ...] | None
F64 = NDArray[np.float64]


def write_encoding(output: ModelOutput, draft: MojoDraft) -> None:
    """Add how columns were encoded, and the frame's columns before."""
    encoding = output.encoding
    if encoding is None or encoding.scheme in _SAME:
        draft.put("_genmodel_encoding", "AUTO" if encoding is None else encoding.scheme)
        if encoding is None:
            draft.put("_orig_projection_array", None)
            return
    else:
        draft.put("_genmodel_encoding", encoding.scheme)
    keep = [
        idx for idx, name in enumerate(encoding.names)
        if name not in (output.response, output.weights, output.offset, output.fold)
    ]  # fmt: skip
    names = [encoding.names[idx] for idx in keep]
    domains = [encoding.domains[idx] for idx in keep]
    if output.response is not None:
        names.append(output.response)
        domains.append(output.domain_of(output.response))
    draft.put("_n_orig_names", len(names))
    draft.lines("_orig_names", names)
    draft.put("_n_orig_domain_values", len(domains))
    for idx, domain in enumerate(domains):
        draft.put(f"_m_orig_domain_values_{idx}", 0 if domain is None else len(domain))
        if domain is not None:
            draft.lines(f"_orig_domain_values_{idx}", domain)
    draft.put("_orig_projection_array", _projection(encoding))


def _projection(encoding: Encoding) -> list[float] | None:
    """Return the numbers of all levels, column after column, where levels became numbers."""
    if encoding.scheme != "Eigen":
        return None
    return [float(v) for step in encoding.steps if step.values is not None for v in step.values]


def read_encoding(source: MojoSource, output: ModelOutput) -> Encoding | None:
    """Return how a frame's columns become the trees'; None if they are the same."""
    scheme = source.ini.text("_genmodel_encoding", "AUTO")
    if scheme in _SAME or not source.ini.has("_n_orig_names"):
        return None
    if scheme not in _MADE and scheme not in _BY_TABLE:
        raise MojoError(f"The MOJO has encoding {scheme[:40]!r}, which is not known.")
    names = source.texts("_orig_names", source.ini.count("_n_orig_names", 1_000_000))
    domains = [_orig_domain(source, idx) for idx in range(len(names))]
    steps = _steps(scheme, source, names, domains, output)
    special = [n for n in output.names if n not in output.x and n != output.response]
    made = {name for step in steps for name in step.names}
    plain = {name for name in names if name not in {step.source for step in steps}}
    missing = [name for name in output.x if name not in made and name not in plain]
    if missing:
        raise MojoError(f"Column {missing[0]!r} of the MOJO is made of no column of its encoding.")
    predictors = [n for n in names if n != output.response]
    response = [] if output.response is None else [output.response]
    by_name = dict(zip(names, domains, strict=True))
    every = (*predictors, *special, *response)
    whole = tuple(by_name[n] if n in predictors else output.domain_of(n) for n in every)
    return Encoding(scheme, every, whole, steps)


def _orig_domain(source: MojoSource, idx: int) -> tuple[str, ...] | None:
    n = source.ini.count(f"_m_orig_domain_values_{idx}", 100_000_000, 0)
    return source.texts(f"_orig_domain_values_{idx}", n) if n else None


def _steps(
    scheme: str,
    source: MojoSource,
    names: tuple[str, ...],
    domains: list[Domain],
    output: ModelOutput,
) -> tuple[EncodingStep, ...]:
    """Return the steps, one for each categorical predictor."""
    steps, at = [], 0
    projection = source.ini.numbers("_orig_projection_array", [])
    for idx, (name, domain) in enumerate(zip(names, domains, strict=True)):
        if domain is None or name == output.response:
            continue
        values = projection[at : at + len(domain)]
        at += len(domain)
        made = source.ini.columns[idx] if idx < source.n_features else name
        steps.append(_step(scheme, name, domain, values, made, output))
    return tuple(steps)


def _step(
    scheme: str,
    name: str,
    domain: tuple[str, ...],
    projection: F64,
    made: str,
    output: ModelOutput,
) -> EncodingStep:
    """Return how column `name` became column(s); `made` is the one in its place, if it is one."""
    if scheme == "OneHotExplicit":
        return EncodingStep.one_hot(name, domain)
    if scheme == "Binary":
        return EncodingStep.binary(name, domain)
    if scheme == "LabelEncoder":
        labels = np.array([_label(level, k) for k, level in enumerate(domain)], np.float64)
        return EncodingStep(name, domain, "map", (made,), labels)
    if scheme == "Eigen":
        if len(projection) != len(domain):
            raise MojoError(f"The MOJO does not say which number each level of {name!r} became.")
        return EncodingStep(
            name, domain, "map", (made,), projection.astype(np.float32).astype(np.float64)
        )
    limited = output.domain_of(made)
    if limited is None:
        raise MojoError(f"Column {made!r} of the MOJO should be of levels; it is of numbers.")
    place = {level: float(code) for code, level in enumerate(limited)}
    other = place.pop(_OTHER, np.nan)
    codes = np.array([place.get(level, other) for level in domain], np.float64)
    return EncodingStep(name, domain, "map", (made,), codes, limited)


def _label(level: str, code: int) -> float:
    """Return the number that a level is; its position if it is none (H2O's LabelEncoder)."""
    return float(int(level)) if _WHOLE.fullmatch(level) else float(code)
