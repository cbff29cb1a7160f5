"""What is minimised: data, family and link. Passes over the data are made here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.multi_passes import (
    ClassFitTask,
    CurvatureTask,
    MultinomialTask,
    OrdinalTask,
    SquaredErrorTask,
)
from dh2o.estimators.glm.passes import FitSums, FitTask, GramTask, StartTask, SumsTask
from dh2o.estimators.glm.rows import Roles
from dh2o.estimators.glm.solve import Penalty, solve
from dh2o.frame import Frame
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import Family
from dh2o.models.glm_link import Link

#: Rows from which on a problem may be large.
_LARGE = 100_000
#: Coefficients of several classes up to which their Hessian is made whole.
_MOST_WHOLE = 400

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Gram:
    """The mean negative log likelihood near `beta`, to second order."""

    beta: F64
    xx: F64
    gradient: F64
    nll: float

    @property
    def is_finite(self) -> bool:
        """Whether the step can be solved at all."""
        return bool(np.isfinite(self.xx).all() and np.isfinite(self.gradient).all())

    def nll_at(self, beta: F64, obj_reg: float) -> float:
        """Return the total negative log likelihood of the second order at another beta."""
        step = beta - self.beta
        return self.nll + float(step @ self.gradient + 0.5 * step @ (self.xx @ step)) / obj_reg


@dataclass(slots=True, eq=False)
class Problem:
    """A model with one predictor eta a row; beta has the design's coefficients, intercept last."""

    frame: Frame
    design: Design
    family: Family
    link: Link
    roles: Roles
    standardise: bool
    intercept: bool
    obj_reg: float
    last: Gram | None = None

    @property
    def is_linear(self) -> bool:
        """Whether one step solves it: the Gram matrix does not depend on beta."""
        return self.family.name == "gaussian" and self.link.name == "identity"

    @property
    def is_large(self) -> bool:
        """Whether a pass costs much more than the driver's own work, so that some are saved."""
        return self.frame.n_rows >= _LARGE and self.frame.n_rows >= 320 * self.n_coefficients

    @property
    def n_coefficients(self) -> int:
        """Length of beta."""
        return self.design.n_coefficients

    @property
    def penalised(self) -> Mask:
        """Which coefficients a penalty acts on: all but intercepts."""
        mask = np.ones(self.n_coefficients, dtype=np.bool_)
        mask[-1] = False
        return mask

    @property
    def n_intercepts(self) -> int:
        """How many intercepts are fitted."""
        return int((~self.penalised).sum()) if self.intercept else 0

    @property
    def is_wide(self) -> bool:
        """Whether there are ways without the whole Gram matrix that cost less."""
        return False

    @property
    def gram_nbytes(self) -> int:
        """Bytes of the Gram matrix that every worker makes."""
        return 8 * self.design.n_places**2

    def gram(self, beta: F64) -> Gram:
        """Return the problem at `beta`; the last one is remembered."""
        if self.last is not None and np.array_equal(self.last.beta, beta):
            return self.last
        self.last = self.new_gram(beta)
        return self.last

    def new_gram(self, beta: F64, every: int = 1) -> Gram:
        """Return the problem at `beta`, of a sample of one row in so many if `every` > 1."""
        task = self.task(beta, with_gram=True, every=every)
        sums, kept = task.do_all(self.frame), self._kept
        xx = task.matrix(sums)
        xx = xx if len(kept) == len(xx) else xx[np.ix_(kept, kept)]
        scale = self.obj_reg
        if every > 1 and sums.n_obs:
            scale *= self.frame.n_rows / sums.n_obs
        xx *= scale
        return Gram(beta.copy(), xx, sums.gradient[kept] * scale, sums.nll)

    def beta_of_response(self, mean: float) -> F64:
        """Return the coefficients that fit best to means halfway between response and `mean`."""
        nothing = np.zeros(self.n_coefficients)
        task = StartTask(
            self.design, self.family, self.link, self.roles, self.design.spread(nothing),
            self.standardise, mean=mean,
        )  # fmt: skip
        sums, kept = task.do_all(self.frame), self._kept
        xx, xy = task.matrix(sums)[np.ix_(kept, kept)], -sums.gradient[kept]
        if not (np.isfinite(xx).all() and np.isfinite(xy).all()):
            return nothing
        return solve(xx, xy, Penalty(0.0, 0.0), nothing, intercept=self.intercept)

    def gradient(self, beta: F64) -> tuple[float, F64]:
        """Return the negative log likelihood and the gradient of its mean; no Gram is made."""
        sums = self.task(beta, with_gram=False).do_all(self.frame)
        return sums.nll, sums.gradient[self._kept] * self.obj_reg

    @property
    def _kept(self) -> NDArray[np.int64]:
        return self.design.kept

    def task(self, beta: F64, *, with_gram: bool, every: int = 1) -> SumsTask:
        """Return the pass that adds up gradient and perhaps Gram."""
        return GramTask(
            self.design, self.family, self.link, self.roles, self.design.spread(beta),
            self.standardise, with_gram, every,
        )  # fmt: skip

    def fit_sums(
        self, beta: F64, frame: Frame | None = None, roles: Roles | None = None
    ) -> FitSums:
        """Return likelihood and deviance at `beta`, of the training rows or of `frame`."""
        places = self.design.spread(beta)
        task = FitTask(
            self.design, self.family, self.link, roles or self.roles, places, self.standardise
        )
        return task.do_all(frame if frame is not None else self.frame)

    def blocks(self, beta: F64) -> F64:
        """Return one row of the design's coefficients per predictor eta."""
        return beta[None, :]

    def of_blocks(self, blocks: F64) -> F64:
        """Return the beta whose `blocks` these are."""
        return blocks[0].copy()

    def plain_and_standardised(self, beta: F64) -> tuple[F64, F64]:
        """Return a fitted beta as a model has it: for x as it is, and for standardised x."""
        blocks = self.blocks(beta)
        if self.standardise:
            return self.design.destandardised(blocks).ravel(), blocks.ravel()
        return blocks.ravel(), self.design.standardised(blocks).ravel()

    def plain(self, beta: F64) -> F64:
        """Return a fitted beta for x as it is."""
        return self.plain_and_standardised(beta)[0]

    def fixed(self, xx: F64, penalty: Penalty) -> F64:  # noqa: ARG002  (for subclasses)
        """Return the Hessian made definite where only a convention tells solutions apart."""
        return xx

    def is_allowed(self, beta: F64) -> bool:  # noqa: ARG002  (for subclasses)
        """Return whether `beta` is in the domain of the likelihood."""
        return True

    def on(self, frame: Frame) -> Problem:
        """Return the same problem on other rows."""
        return replace(self, frame=frame, last=None)


@dataclass(slots=True, eq=False)
class MultinomialProblem(Problem):
    """One predictor a class, softmax; beta has the classes' coefficients one after the other.

    Adding the same to all classes changes no probability. What no penalty decides keeps the sum
    over classes that it started with: 0 for slopes. Only ``present`` classes, those that have rows,
    have coefficients to fit; the intercept of the others is -inf, their probability 0.
    """

    n_classes: int = 0
    present: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def is_linear(self) -> bool:
        return False

    @property
    def n_coefficients(self) -> int:
        return len(self.present) * self.design.n_coefficients

    @property
    def penalised(self) -> Mask:
        mask = np.ones((len(self.present), self.design.n_coefficients), dtype=np.bool_)
        mask[:, -1] = False
        return mask.ravel()

    @property
    def gram_nbytes(self) -> int:
        return 8 * (self.n_classes * self.design.n_places) ** 2

    @property
    def _kept(self) -> NDArray[np.int64]:
        first = self.present[:, None] * self.design.n_places
        return (first + self.design.kept).ravel()

    def blocks(self, beta: F64) -> F64:
        """Return the coefficients of each class; those without rows have 0 and -inf."""
        out = np.zeros((self.n_classes, self.design.n_coefficients))
        out[:, -1] = -np.inf
        out[self.present] = beta.reshape(len(self.present), -1)
        return out

    def of_blocks(self, blocks: F64) -> F64:
        return blocks[self.present].ravel()

    def _places(self, beta: F64) -> F64:
        return np.array([self.design.spread(block) for block in self.blocks(beta)])

    def _multinomial(self, beta: F64, *, with_gram: bool, every: int = 1) -> MultinomialTask:
        return MultinomialTask(
            self.design, self.roles, self._places(beta), self.standardise, with_gram, every
        )

    def task(self, beta: F64, *, with_gram: bool, every: int = 1) -> SumsTask:
        return self._multinomial(beta, with_gram=with_gram, every=every)

    @property
    def is_wide(self) -> bool:
        """Whether the blocks of the Hessian by class are so many that it is not made whole."""
        return len(self.present) > 2 and self.n_coefficients > _MOST_WHOLE

    def by_class(self, beta: F64) -> tuple[float, F64, list[F64]]:
        """Return likelihood, gradient of its mean, and the Hessian's block of each class alone."""
        task = replace(self._multinomial(beta, with_gram=True), by_class=True)
        sums, kept = task.do_all(self.frame), np.ix_(self.design.kept, self.design.kept)
        blocks = [
            sums.tables[k].matrix(self.design, task.sloped)[kept] * self.obj_reg
            for k in self.present
        ]
        return sums.nll, sums.gradient[self._kept] * self.obj_reg, blocks

    def curvature(self, beta: F64, direction: F64) -> F64:
        """Return the product of the Hessian of the mean likelihood at `beta` with `direction`."""
        blocks = np.zeros((self.n_classes, self.design.n_coefficients))
        blocks[self.present] = direction.reshape(len(self.present), -1)
        task = CurvatureTask(
            self.design, self.roles, self._places(beta), self.standardise, with_gram=False,
            direction=np.array([self.design.spread(block) for block in blocks]),
        )  # fmt: skip
        return task.do_all(self.frame).gradient[self._kept] * self.obj_reg

    def fit_sums(
        self, beta: F64, frame: Frame | None = None, roles: Roles | None = None
    ) -> FitSums:
        ordinal = self.family.name == "ordinal"
        task = ClassFitTask(
            self.design, roles or self.roles, self._places(beta), self.standardise, ordinal
        )
        return task.do_all(frame if frame is not None else self.frame)

    def fixed(self, xx: F64, penalty: Penalty) -> F64:
        free = ~self.penalised if penalty.lam > 0 else np.ones(len(xx), dtype=np.bool_)
        out = xx.copy()
        width = self.design.n_coefficients
        for j in np.flatnonzero(free[:width]):
            same = np.arange(j, len(xx), width)
            out[np.ix_(same, same)] += np.diag(xx)[same].mean()
        return out


@dataclass(slots=True, eq=False)
class OrdinalProblem(MultinomialProblem):
    """Proportional odds: one set of slopes, one threshold fewer than classes that have rows.

    beta has the slopes, then the thresholds, which rise. In `blocks` a class without rows ends
    where it begins: at the threshold before it, or at -inf or inf.
    """

    by_squared_error: bool = False

    @property
    def n_coefficients(self) -> int:
        return self.design.n_coefficients - 1 + len(self.present) - 1

    @property
    def penalised(self) -> Mask:
        return np.arange(self.n_coefficients) < self.design.n_coefficients - 1

    @property
    def gram_nbytes(self) -> int:
        return 8 * (self.design.n_places + self.n_classes) ** 2

    @property
    def _kept(self) -> NDArray[np.int64]:
        thresholds = self.design.n_places + np.arange(len(self.present) - 1)
        return np.concatenate([self.design.kept[:-1], thresholds])

    def blocks(self, beta: F64) -> F64:
        """Return slopes and threshold per class as H2O has them: the last class is all 0."""
        n_slopes = self.design.n_coefficients - 1
        out = np.zeros((self.n_classes, n_slopes + 1))
        out[:-1, :-1] = beta[:n_slopes]
        edges = np.concatenate([[-np.inf], beta[n_slopes:], [np.inf]])
        n_begun = np.searchsorted(self.present, np.arange(self.n_classes - 1), side="right")
        out[:-1, -1] = edges[n_begun]
        return out

    def of_blocks(self, blocks: F64) -> F64:
        return np.concatenate([blocks[0, :-1], blocks[self.present[:-1], -1]])

    def task(self, beta: F64, *, with_gram: bool, every: int = 1) -> SumsTask:
        n_slopes = self.design.n_coefficients - 1
        slopes = self.design.spread(np.append(beta[:n_slopes], 0.0))
        kind = SquaredErrorTask if self.by_squared_error else OrdinalTask
        return kind(
            self.design, self.roles, slopes, beta[n_slopes:], self.present, self.standardise,
            with_gram, every,
        )  # fmt: skip

    def fixed(self, xx: F64, penalty: Penalty) -> F64:  # noqa: ARG002  (nothing to fix)
        return xx

    def is_allowed(self, beta: F64) -> bool:
        return bool((np.diff(beta[self.design.n_coefficients - 1 :]) > 0).all())
