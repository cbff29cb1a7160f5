"""What the MOJOs of all models made of trees share."""

from __future__ import annotations

import dataclasses

import numpy as np

from dh2o.models.calibration import Calibration, IsotonicCalibration, PlattScaling
from dh2o.models.forest import NA_LEFT, NA_RIGHT, NA_VS_REST, Forest
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.encodings import read_encoding, write_encoding
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.forest_io import read_forest, tree_blobs
from dh2o.models.mojo.isotonic import read_line, write_line
from dh2o.models.mojo.source import MojoSource
from dh2o.models.output import ModelOutput
from dh2o.models.tree_model import TreeModel

__all__ = ["TREES_VERSION", "read_trees", "tree_output", "write_trees"]

TREES_VERSION = "1.40"
_MAX_TREES = 1_000_000
_NEWEST = 1.4


def write_trees(model: Model, draft: MojoDraft) -> None:
    """Add what precedes the algorithm's own lines: counts, calibration, encoding, trees."""
    assert isinstance(model, TreeModel)
    forest, output = model.forest, model.output
    draft.put("n_trees", forest.n_trees)
    draft.put("n_trees_per_class", forest.n_classes)
    _write_calibration(output.calibration, draft)
    write_encoding(output, draft)
    domains = [output.domain_of(name) for name in model.features]
    for tree in tree_blobs(_with_na_as_encoded(forest, output), domains):
        draft.blob(f"{tree.name}.bin", tree.data)
        draft.blob(f"{tree.name}_aux.bin", tree.aux)


def _with_na_as_encoded(forest: Forest, output: ModelOutput) -> Forest:
    """Return the trees with NA going where a row whose categorical is NA goes.

    The columns of one-hot and binary encodings are never NA in a frame, so these directions mean
    nothing to it; but H2O's scorer of single rows leaves them all NA when the cell is empty.
    """
    encoding = output.encoding
    if encoding is None or encoding.scheme not in ("OneHotExplicit", "Binary"):
        return forest
    standing = np.full(forest.n_features, np.nan)
    for step in encoding.steps:
        for name, column in step.columns(np.array([np.nan])).items():
            standing[output.x.index(name)] = column[0]
    value = np.where(forest.is_leaf, np.nan, standing[np.maximum(forest.features, 0)])
    known = ~np.isnan(value)
    alone = known & (forest.na_sides == NA_VS_REST)  # all rows go left, whatever they hold
    thresholds = np.where(alone, np.inf, forest.thresholds).astype(np.float32)
    sides = np.where(value >= thresholds, NA_RIGHT, NA_LEFT)
    return dataclasses.replace(
        forest,
        thresholds=thresholds,
        na_sides=np.where(known, sides, forest.na_sides).astype(np.int8),
    )


def _write_calibration(calibration: Calibration | None, draft: MojoDraft) -> None:
    if isinstance(calibration, PlattScaling):
        draft.put("calib_method", "platt")
        draft.put("calib_glm_beta", [float(calibration.slope), float(calibration.intercept)])
    elif isinstance(calibration, IsotonicCalibration):
        draft.put("calib_method", "isotonic")
        write_line(draft, calibration, calibration.x[0], calibration.x[-1])
    elif calibration is not None:
        raise MojoError(f"A MOJO cannot hold calibration by {type(calibration).__name__}.")


def read_trees(source: MojoSource, n_classes: int) -> Forest:
    """Return the trees, `n_classes` a round: older MOJOs do not say how many, newer must agree."""
    ini = source.ini
    if source.version > _NEWEST:
        raise MojoError(
            f"The MOJO has format {source.version:.2f}; trees are read up to {TREES_VERSION}."
        )
    n_trees = ini.count("n_trees", _MAX_TREES)
    rounds = ini.count("n_trees_per_class", _MAX_TREES, n_classes)
    if rounds != n_classes:
        raise MojoError(f"The MOJO has {rounds} trees a round; its classes need {n_classes}.")
    if n_trees * rounds > min(_MAX_TREES, 1 + len(list(source.archive)) * 64):
        raise MojoError(f"The MOJO announces {n_trees * rounds} trees, far more than it has.")
    return read_forest(
        source.archive, n_trees, rounds, source.n_features, source.feature_domains,
        source.version,
    )  # fmt: skip


def tree_output(source: MojoSource) -> ModelOutput:
    """Return the output with calibration and encoding."""
    output = source.output()
    return output.replace(
        calibration=_read_calibration(source), encoding=read_encoding(source, output)
    )


def _read_calibration(source: MojoSource) -> Calibration | None:
    if not source.ini.has("calib_method"):
        return None
    method = source.ini.text("calib_method")
    if method == "platt":
        beta = source.ini.numbers("calib_glm_beta")
        if len(beta) != 2:
            raise MojoError(f"calib_glm_beta of the MOJO has {len(beta)} numbers, not 2.")
        return PlattScaling(float(beta[0]), float(beta[1]))
    if method == "isotonic":
        return read_line(source)
    raise MojoError(f"The MOJO is calibrated by {method[:40]!r}, which is not known.")
