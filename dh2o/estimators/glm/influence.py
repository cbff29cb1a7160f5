"""How much each row moves each coefficient: DFBETAS of Belsley, Kuh and Welsch (1980)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_floats
from dh2o.estimators.glm.inference import Inference
from dh2o.estimators.glm.problem import Problem
from dh2o.estimators.glm.rows import Roles, Tile, tiles
from dh2o.estimators.glm.sandwich import linear_predictor
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import Frame, VecType
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import Family
from dh2o.models.glm_link import Link
from dh2o.mrtask import MRTask

F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class InfluenceTask(MRTask[None, None]):
    """DFBETAS of each row, one column a coefficient; NA where a row was of no use.

    ``inverse`` is that of X'WX over all places, ``beta`` belongs to x as it is; ``columns`` are the
    places that have a column. ``squares`` is the sum of squared errors where the variance is
    estimated (else NaN: it is 1), ``n_free`` their degrees of freedom.
    """

    design: Design
    family: Family
    link: Link
    roles: Roles
    beta: F64
    inverse: F64
    columns: NDArray[np.int64]
    squares: float
    n_free: int

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        out = np.full((len(self.columns), block.n_rows), np.nan)
        for tile in tiles(block, self.design, self.roles, standardise=False):
            with np.errstate(all="ignore"):
                out[:, tile.rows] = self._moves(tile)
        return tuple(map(encode_floats, out))

    def _moves(self, tile: Tile) -> F64:
        """Return by how many standard errors a coefficient falls when one row is left out."""
        eta = linear_predictor(self.design, tile, self.beta)
        work = self.family.newton(self.link, tile.y, eta, tile.offset, tile.w)
        towards, leverage = self._towards(tile)
        left = 1.0 - work.weight * leverage
        moves = -towards[self.columns] * (work.residual / left)
        errors = np.sqrt(np.diag(self.inverse)[self.columns])
        if np.isnan(self.squares):
            return np.asarray(moves / errors[:, None])
        gone = work.residual**2 / (work.weight * left)
        without = np.sqrt((self.squares - gone) / (self.n_free - 1))
        return np.asarray(moves / errors[:, None] / without)

    def _towards(self, tile: Tile) -> tuple[F64, F64]:
        """Return inverse @ x and x' inverse x of each row x."""
        starts, every = self.design.starts, np.arange(tile.n_rows)
        towards = self.inverse[:, starts[-1] :] @ tile.numbers
        for first, codes in zip(starts, tile.codes, strict=False):
            towards += self.inverse[:, first:].take(codes, axis=1)
        leverage = np.einsum("ij,ij->j", tile.numbers, towards[starts[-1] :])
        for first, codes in zip(starts, tile.codes, strict=False):
            leverage += towards[first + codes, every]
        return towards, leverage


def influence_frame(
    spec: TrainSpec, problem: Problem, beta: F64, inference: Inference
) -> dict[str, Any]:
    """Store the predictors, the DFBETAS of each coefficient and the response as a frame.

    Return where it lies, as a model shows it. IN: beta as it was fitted.
    """
    design = problem.design
    known = np.flatnonzero(np.diag(inference.covariance) > 0)
    inverse = np.zeros((design.n_places, design.n_places))
    inverse[np.ix_(design.kept, design.kept)] = inference.covariance / inference.dispersion
    sums = problem.fit_sums(beta)
    estimated = not problem.family.known_dispersion
    task = InfluenceTask(
        design, problem.family, problem.link, problem.roles, design.spread(problem.plain(beta)),
        inverse, design.kept[known], sums.pearson if estimated else np.nan,
        sums.n_obs - len(known),
    )  # fmt: skip
    names = [f"DFBETA_{design.names[i]}" for i in known]
    blocks = task.new_blocks(problem.frame, len(names))
    moves = Frame.of(names, blocks, [VecType.NUMERIC] * len(names), [None] * len(names))
    last = [name for name in (spec.weights, spec.offset, spec.response) if name is not None]
    key = f"{spec.model_key}_regression_influence_diagnostics"
    spec.train.select(spec.x).cbind(moves, spec.train.select(last)).put(key)
    return {"name": key, "type": "Key<Frame>", "URL": f"/3/Frames/{key}"}
