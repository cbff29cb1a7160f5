"""The boosting loop: tree after tree on the workers' states, measured on the way."""

from __future__ import annotations

import dataclasses
import functools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.gbm.distributions import Distribution
from dh2o.estimators.gbm.monotone import monotone_values
from dh2o.estimators.gbm.response import ResponseFacts
from dh2o.estimators.history import ScoringHistory
from dh2o.estimators.scoring import spec_metric_builder
from dh2o.estimators.stopping import StopRule
from dh2o.estimators.trees.arrays import BOOL, F64
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.fixed_point import FixedPoint
from dh2o.estimators.trees.gradients import Loss
from dh2o.estimators.trees.grower import Columns, Grower, TreeParams
from dh2o.estimators.trees.quantiles import HuberLeaves, leaf_quantiles
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.state import StateSpec, build_state
from dh2o.estimators.trees.steps import (
    ApplyTrees,
    LeafTerms,
    MaxTerms,
    ScoreRows,
    ShiftScores,
    StartTree,
    WalkTrees,
)
from dh2o.models.forest import Forest
from dh2o.models.gbm import response_scale
from dh2o.models.metrics import ModelMetrics
from dh2o.models.model import corrected
from dh2o.mrtask import LocalState, StateLost

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["Booster", "Grown", "derive_key"]

_SAVE_INTERVAL_S = 10.0
_SCORING_DUTY = 0.1  # share of the time that scoring by the clock may take
_ROWS_TO_SCORE_ALWAYS = 1 << 18
_MIN_RATE = 1e-6
_ROWS, _ROUNDING, _COLUMNS, _NOISE = range(4)  # streams of random numbers


def derive_key(seed: int, stream: int, count: int) -> int:
    """Return a 63-bit key of a stream of random numbers, never 0."""
    x = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + count) & (2**64 - 1)
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
    return ((x ^ (x >> 31)) >> 1) | 1


@dataclass(slots=True)
class Grown:
    """What a build has come to: enough, with the frame, to go on from there."""

    history: ScoringHistory
    init_f: float
    trees: list[RawTree] = field(default_factory=list)
    training: ModelMetrics | None = None
    validation: ModelMetrics | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class _Sampling:
    rates: F64
    is_stochastic: bool

    @classmethod
    def of(cls, params: Any) -> _Sampling:
        per_class = params["sample_rate_per_class"]
        rates = np.array(per_class or [params["sample_rate"]], np.float64)
        columns = ("col_sample_rate", "col_sample_rate_per_tree")
        return cls(rates, bool((rates < 1).any()) or any(params[c] < 1 for c in columns))


class Booster:
    """Builds the trees of one model; `grown` says how far it is."""

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, distribution: Distribution, facts: ResponseFacts,
        init_f: float, bin_map: BinMap, before: Forest | None = None,
    ) -> None:  # fmt: skip
        self.ctx = ctx
        self.spec = spec
        self.params = spec.params
        self.distribution = distribution
        self.bin_map = bin_map
        self.before = before  # trees of the model that this build goes on from
        self.max_weight = facts.max_weight
        self.total_weight = facts.total_weight
        self.fixed = FixedPoint.of(facts.weights)
        self.n_trees_a_round = spec.n_classes if spec.n_classes > 2 else 1
        self.sampling = _Sampling.of(self.params)
        self.grower = Grower(bin_map, self._tree_params(), self.fixed, _n_threads(), self._signs())
        self.grown: Grown = ctx.restore() or Grown(self._new_history(), init_f)
        self._pending: tuple[tuple[int, RawTree], ...] = ()
        self._validated = 0
        self._saved_at = time.monotonic()
        self._scored_at, self._scoring_s = 0.0, 0.0

    def _tree_params(self) -> TreeParams:
        names = TreeParams.__dataclass_fields__
        return TreeParams(**{name: self.params[name] for name in names})

    def _signs(self) -> dict[str, int]:
        return {k: int(v) for k, v in (self.params["monotone_constraints"] or {}).items()}

    def _groups(self) -> BOOL | None:
        """Return the features of each group that may interact; others are not used at all."""
        given = self.params["interaction_constraints"]
        if not given:
            return None
        return np.array([[name in group for name in self.spec.x] for group in given])

    def _new_history(self) -> ScoringHistory:
        rule = StopRule.of(self.spec.params, self.spec.category)
        start = self.spec.start_time_ms
        return ScoringHistory(self.spec.category, {"number_of_trees": "int"}, rule, start)

    # ---- the loop

    @property
    def n_rounds(self) -> int:
        """Iterations done so far, those of the model before included."""
        return self.n_before + len(self.grown.trees) // self.n_trees_a_round

    @property
    def n_before(self) -> int:
        """Iterations of the model that this build goes on from."""
        return 0 if self.before is None else self.before.n_trees

    def run(self) -> Grown:
        """Return the finished trees, with metrics of the last scoring."""
        ntrees = self._n_trees_wanted()
        with self._state(self.spec.train, self.spec.weights, True) as state:
            if self.distribution.fits_quantiles and self.n_rounds == 0:
                self._guarded(state, None, self._start_at_quantile)
            valid = self._valid_state()
            try:
                while not self.grown.done and self.n_rounds < ntrees:
                    self._guarded(state, valid, self._round)
                    self.ctx.update(self.n_rounds / ntrees, f"{self.n_rounds} trees built")
                    self.ctx.check()
                    self._save()
                self._guarded(state, valid, self._finish)
            finally:
                self.grower.close()
                if valid is not None:
                    valid.close()
        return self.grown

    def _n_trees_wanted(self) -> int:
        """Return how many iterations to do: what the folds' models found best on average."""
        found = [facts["ntrees"] for facts in self.spec.cv_facts if "ntrees" in facts]
        if found and self.params["stopping_rounds"] > 0:
            return max(round(sum(found) / len(found)), 1)
        return int(self.params["ntrees"])

    def _guarded(self, state: LocalState, valid: LocalState | None, step: Any) -> None:
        """Run a step of the loop, again from the trees so far whenever a worker is lost."""
        while True:
            try:
                step(state, valid)
            except StateLost:
                self._pending = ()
                state.rebuild(self._state_spec(self.spec.weights, True))
                if valid is not None:
                    valid.rebuild(self._state_spec(self._valid_weights, False))
                    self._validated = len(self.grown.trees)
                continue
            return

    def _start_at_quantile(self, state: LocalState, _valid: LocalState | None) -> None:
        """Set the first score to the quantile of the response, offsets taken off."""
        alpha, total = self.distribution.alpha, np.array([self.total_weight])
        scale = self.fixed.weight_scale
        value = float(leaf_quantiles(state.run, None, total, alpha, scale)[0])
        state.run(ShiftScores(value))
        self.grown.init_f = value

    def _round(self, state: LocalState, valid: LocalState | None) -> None:
        """One iteration: score if it is time to, then a tree for each class."""
        if self._is_time_to_score():
            self._score(state, valid)
            if not self.spec.cv_facts and self.grown.history.should_stop():
                self.grown.done = True
                return
        rate = self.params["learn_rate"] * self.params["learn_rate_annealing"] ** self.n_rounds
        if rate < _MIN_RATE or self.spec.out_of_time():
            self.grown.done = True
            return
        trees = []
        for k in range(self.n_trees_a_round):
            tree = self._tree(state, k, rate)
            trees.append(tree)
            self._pending = (*self._pending, (k, tree))
        stuck = all(t.n_nodes == 1 and t.values[0] == 0.0 for t in trees)
        self.grown.trees.extend(trees)
        self.grown.done = stuck and not self.sampling.is_stochastic

    def _finish(self, state: LocalState, valid: LocalState | None) -> None:
        events = self.grown.history.events
        if not events or events[-1].own["number_of_trees"] != self.n_rounds:
            self._score(state, valid)
        self.grown.done = True

    def _save(self) -> None:
        """Keep the trees so far, now and then, for a driver that has to start again."""
        if time.monotonic() - self._saved_at > _SAVE_INTERVAL_S:
            self.ctx.checkpoint(self.grown)
            self._saved_at = time.monotonic()

    # ---- one tree

    def _tree(self, state: LocalState, k: int, rate: float) -> RawTree:
        seed, number = self.spec.seed, self.n_rounds
        self._set_delta(state)
        bound_z, bound_d = self._bounds(state)
        rounding = derive_key(seed, _ROUNDING, number * self.n_trees_a_round + k)
        root = state.run(
            StartTree(
                pending=self._take_pending(),
                loss=int(self.distribution.loss),
                param=self.distribution.param,
                klass=k if self.n_trees_a_round > 1 else -1,
                refresh=k == 0,
                scales=self.fixed.scales(bound_z, bound_d),
                shift=self.fixed.shift,
                keys=np.array(
                    [
                        derive_key(seed, _ROWS, number),
                        rounding if self.fixed.rounds_at_random else 0,
                    ]
                ),
                rates=self.sampling.rates,
            )
        )
        key = derive_key(seed, _COLUMNS, number * self.n_trees_a_round + k)
        columns = Columns.draw(len(self.bin_map.features), self.grower.params, key, self._groups())
        tree = self.grower.grow(root, columns, state.run)
        self._set_values(tree, state, rate, bound_z, bound_d)
        return tree

    def _take_pending(self) -> tuple[tuple[int, RawTree], ...]:
        pending, self._pending = self._pending, ()
        return pending

    def _bounds(self, state: LocalState) -> tuple[float, float]:
        """Return the largest |w z| and w d of a row at the current predictions."""
        bounds = self.distribution.bounds
        if bounds is not None:
            return bounds[0] * self.max_weight, bounds[1] * self.max_weight
        step = MaxTerms(self._take_pending(), int(self.distribution.loss), self.distribution.param)
        largest = state.run(step)
        return float(largest[0]), float(largest[1])

    def _set_values(
        self, tree: RawTree, state: LocalState, rate: float, bound_z: float, bound_d: float
    ) -> None:
        fixed, leaves = self.fixed, tree.leaves
        weights = fixed.weight_of(tree.sums)
        tree.weights = weights.astype(np.float32)
        scale = fixed.gradient_scale(bound_z)
        tree.gains *= fixed.weight_scale / scale**2
        if self.distribution.fits_quantiles:
            values = self._quantile_values(tree, state, weights[leaves])
        else:
            if self.distribution.needs_terms:
                tree.terms[leaves] = state.run(LeafTerms(tree))
            terms = tree.terms / fixed.scales(bound_z, bound_d)[2]
            values = self.distribution.leaf_values(
                weights[leaves], fixed.gradient_of(tree.sums, bound_z)[leaves], terms[leaves]
            )
        signs = self._signs()
        if signs:
            of_features = np.array([signs.get(name, 0) for name in self.spec.x], np.float64)
            values = monotone_values(tree, values, weights, of_features)
        values = self._noise(values * rate)
        limit = self.params["max_abs_leafnode_pred"]
        tree.values[leaves] = np.clip(values, -limit, limit).astype(np.float32)

    def _set_delta(self, state: LocalState) -> None:
        """Set where the Huber loss turns linear: a quantile of the absolute errors of now."""
        if self.distribution.loss is not Loss.HUBER:
            return
        if self._pending:
            state.run(ApplyTrees(self._take_pending()))
        delta = leaf_quantiles(
            state.run, None, np.array([self.total_weight]), self.params["huber_alpha"],
            self.fixed.weight_scale, absolute=True,
        )[0]  # fmt: skip
        self.distribution = dataclasses.replace(self.distribution, param=float(delta))

    def _quantile_values(self, tree: RawTree, state: LocalState, weights: F64) -> F64:
        alpha, scale = self.distribution.alpha, self.fixed.weight_scale
        values = leaf_quantiles(state.run, tree, weights, alpha, scale)
        if self.distribution.loss is Loss.HUBER:
            step = HuberLeaves(tree, values, self.distribution.param, self.max_weight)
            values = values + state.run(step) / weights
        return values

    def _noise(self, values: F64) -> F64:
        width = self.params["pred_noise_bandwidth"]
        if width <= 0:
            return values
        key = derive_key(self.spec.seed, _NOISE, len(self.grown.trees) + len(self._pending))
        rng = np.random.Generator(np.random.Philox(key=key))
        return np.asarray(values * (1 + width * rng.normal(size=len(values))))

    # ---- states

    def _state_spec(self, weights: str | None, learns: bool) -> StateSpec:
        k = self.n_trees_a_round
        return StateSpec(
            bin_map=self.bin_map,
            response=str(self.spec.response),
            weights=weights,
            offset=self.spec.offset,
            init=(self.grown.init_f,) * k,
            trees=tuple((i % k, tree) for i, tree in enumerate(self.grown.trees)),
            learns=learns,
            before=self.before,
        )

    def _state(self, frame: Frame, weights: str | None, learns: bool) -> LocalState:
        return self.ctx.engine.local(frame, build_state, self._state_spec(weights, learns))

    @property
    def _valid_weights(self) -> str | None:
        return self.spec.valid_weights or self.spec.weights

    def _valid_state(self) -> LocalState | None:
        if self.spec.valid is None:
            return None
        self._validated = len(self.grown.trees)
        return self._state(self.spec.valid, self._valid_weights, False)

    # ---- scoring

    def _is_time_to_score(self) -> bool:
        n, params = self.n_rounds, self.params
        events = self.grown.history.events
        if events and events[-1].own["number_of_trees"] == n:
            return False
        if params["score_each_iteration"] or n == self.n_before:
            return True
        if params["score_tree_interval"] > 0:
            return n % params["score_tree_interval"] == 0
        if params["stopping_rounds"] > 0:  # the number of trees must not depend on the clock
            small = self.spec.train.n_rows * self.n_trees_a_round <= _ROWS_TO_SCORE_ALWAYS
            return small or n % 5 == 0
        return time.monotonic() - self._scored_at > self._scoring_s / _SCORING_DUTY

    def _score(self, state: LocalState, valid: LocalState | None) -> None:
        started = time.monotonic()
        if self._pending:
            state.run(ApplyTrees(self._pending))
            self._pending = ()
        self.grown.training = state.run(self._scorer(False))
        if valid is not None:
            k = self.n_trees_a_round
            new = list(enumerate(self.grown.trees))[self._validated :]
            if new:
                valid.run(WalkTrees(tuple((i % k, tree) for i, tree in new)))
                self._validated = len(self.grown.trees)
            self.grown.validation = valid.run(self._scorer(True))
        self.grown.history.add(
            {"number_of_trees": self.n_rounds}, self.grown.training, self.grown.validation
        )
        self._scored_at = time.monotonic()
        self._scoring_s = self._scored_at - started

    def _scorer(self, valid: bool) -> ScoreRows:
        factors = self.spec.class_correction
        link = functools.partial(_prediction, self.distribution.name, factors)
        return ScoreRows(spec_metric_builder(self.spec, valid), link)


def _prediction(distribution: str, factors: tuple[float, ...] | None, f: F64) -> F64:
    return corrected(response_scale(distribution, f), factors)


def _n_threads() -> int:
    import os

    return max(min(os.cpu_count() or 1, 8), 1)
