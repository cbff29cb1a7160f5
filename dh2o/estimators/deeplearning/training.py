"""The loop: learn for a while, average, measure, keep the best."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ModelError
from dh2o.estimators.building.history import ScoringHistory
from dh2o.estimators.building.stopping import StopRule
from dh2o.estimators.deeplearning.learners import (
    Learned,
    Learner,
    Work,
    learner_of,
    mean_state,
)
from dh2o.estimators.deeplearning.losses import Loss
from dh2o.estimators.deeplearning.rows import RowSpec
from dh2o.estimators.deeplearning.sgd import NetState, SgdParams
from dh2o.estimators.scoring import spec_metric_builder
from dh2o.models.deeplearning import DeepLearningModel, Network
from dh2o.models.metrics import ModelMetrics
from dh2o.mrtask import StateLost

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.mrtask import JobContext

__all__ = ["Trained", "Training"]

_SAVE_INTERVAL_S = 10.0
_MIN_ITERATIONS = 10  # H2O: at least so many, however many rows there are
_MOST_ROWS = 100_000  # rows a worker learns from before networks are averaged, if dh2o chooses
_CHEAP_S = 0.2  # measurements that take no longer need not wait for score_interval


@dataclass(slots=True)
class Trained:
    """How far a training has come: enough, with the frame, to go on."""

    state: NetState
    history: ScoringHistory
    n_iterations: int = 0
    training: ModelMetrics | None = None
    validation: ModelMetrics | None = None
    best: NetState | None = None
    best_value: float = math.nan
    best_metrics: tuple[ModelMetrics | None, ModelMetrics | None] = (None, None)
    huber_delta: float = math.inf
    done: bool = False
    own: Mapping[int, NetState] = field(default_factory=dict)


class Training:
    """Trains one network; `trained` says how far it is."""

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, shell: DeepLearningModel, rows: RowSpec,
        params: SgdParams, loss: Loss, first: NetState, n_rows: int,
    ) -> None:  # fmt: skip
        self.ctx = ctx
        self.spec = spec
        self.shell = shell
        self.rows = rows
        self.params = params
        self.loss = loss
        self.n_rows = max(n_rows, 1)
        self.epochs_before = first.n_samples / self.n_rows
        saved = ctx.restore()
        self.trained: Trained = saved or Trained(first, self._new_history())
        self._saved_at = self._scored_at = time.monotonic()
        self._scoring_s = 0.0
        self._learning_s = 0.0

    def _new_history(self) -> ScoringHistory:
        own = {
            "training_speed": "string", "epochs": "double", "iterations": "int",
            "samples": "double",
        }  # fmt: skip
        rule = StopRule.of(self.spec.params, self.spec.category)
        return ScoringHistory(self.spec.category, own, rule, self.spec.start_time_ms)

    # ---- the loop

    def run(self) -> Trained:
        """Return the finished training."""
        learner = self._learner(self.spec.train)
        valid = None if self.spec.valid is None else self._learner(self.spec.valid, True)
        try:
            while not self.trained.done:
                self._guarded(learner, valid, self._iteration)
                self.ctx.check()
                self._save()
            self._guarded(learner, valid, self._finish)
        finally:
            learner.close()
            if valid is not None:
                valid.close()
        return self.trained

    def _learner(self, frame: Any, is_valid: bool = False) -> Learner:
        params, rows = self.spec.params, self.rows
        if is_valid:
            weights = self.spec.valid_weights or self.spec.weights
            roles = dataclasses.replace(rows.roles, weights=weights, needed=())
            rows = dataclasses.replace(rows, roles=roles)
        one_place = params["reproducible"] or params["single_node_mode"]
        return learner_of(frame, rows, bool(one_place) and not is_valid)

    def _guarded(self, learner: Learner, valid: Learner | None, step: Any) -> None:
        """Run a step, again from the last average whenever a worker is lost."""
        while True:
            try:
                step(learner, valid)
            except StateLost:
                learner.rebuild()
                if valid is not None:
                    valid.rebuild()
                continue
            return

    @property
    def n_epochs(self) -> float:
        """Epochs so far, those of the model before included."""
        return self.trained.state.n_samples / self.n_rows

    def _iteration(self, learner: Learner, valid: Learner | None) -> None:
        t, wanted = self.trained, self.spec.params["epochs"]
        left = wanted - self.n_epochs
        if left <= 1e-9 or self.spec.out_of_time():
            t.done = True
            return
        if self.loss.name == "huber" and not math.isfinite(t.huber_delta):
            self._set_delta(learner)
        started = time.monotonic()
        work = Work(
            t.state, self.params, self._loss(), self.spec.seed, self.n_epochs,
            min(self._share(), left), t.own,
        )  # fmt: skip
        learned = learner.learn(work)
        state = self._averaged(learned)
        if not state.is_stable:
            raise ModelError(
                "Training became numerically unstable: weights grew without bound. Try a smaller "
                "rate, l1, l2 or max_w2, the Tanh activation, or another initial weight scale; "
                "look for outliers and use standardize."
            )
        t.state = state
        if self.params.elastic is not None:
            t.own = {row: own for row, (own, _) in learned.parts.items()}
        t.n_iterations += 1
        self._learning_s += time.monotonic() - started
        self.ctx.update(min(self.n_epochs / wanted, 1.0), f"{self.n_epochs:.2f} epochs")
        if self._is_time_to_score():
            self._score(learner, valid)
            t.done = self._should_stop()

    def _averaged(self, learned: Learned) -> NetState:
        """Return the mean over workers; with elastic averaging also over iterations."""
        before = self.trained.state
        state = learned.averaged(before)
        moving = self.spec.params["elastic_averaging_moving_rate"]
        if self.trained.own and moving < 1:
            n_samples = state.n_samples
            state = mean_state([before, state], [1.0 - moving, moving])
            state.n_samples = n_samples
        return state

    def _share(self) -> float:
        """Return the epochs of one iteration."""
        n = self.spec.params["train_samples_per_iteration"]
        wanted = self.spec.params["epochs"]
        if n in (0, -1):
            return 1.0
        if n > 0:
            return float(n) / self.n_rows
        epochs = wanted / _MIN_ITERATIONS
        epochs = min(epochs, _MOST_ROWS / self.n_rows)
        return max(math.floor(epochs), 1.0) if epochs > 1.2 else epochs

    def _loss(self) -> Loss:
        if self.loss.name != "huber":
            return self.loss
        return dataclasses.replace(self.loss, param=self.trained.huber_delta)

    def _set_delta(self, learner: Learner) -> None:
        """Set where huber turns linear: a quantile of the errors so far."""
        sizes = learner.errors(self.model(), self._one_in(False))
        alpha = self.spec.params["huber_alpha"]
        self.trained.huber_delta = float(np.quantile(sizes, alpha)) if len(sizes) else 1.0

    # ---- measuring

    def model(self, state: NetState | None = None) -> DeepLearningModel:
        """Return the model of a state, without tables."""
        state = self.trained.state if state is None else state
        net = self.shell.network
        network = Network(
            net.activation, net.output, tuple(state.weights), tuple(state.biases), net.dropouts
        )
        return self.shell.replace(network=network, n_samples=state.n_samples)

    def _one_in(self, valid: bool) -> int:
        name = "score_validation_samples" if valid else "score_training_samples"
        n = self.spec.params[name]
        return max(round(self.n_rows / n), 1) if n > 0 else 1

    def _is_time_to_score(self) -> bool:
        params, now = self.spec.params, time.monotonic()
        if params["score_each_iteration"] or params["reproducible"]:
            return True
        waited = now - self._scored_at
        if self._scoring_s > params["score_duty_cycle"] * waited:
            return False
        return bool(waited >= params["score_interval"] or self._scoring_s <= _CHEAP_S)

    def _score(self, learner: Learner, valid: Learner | None) -> None:
        t, started = self.trained, time.monotonic()
        model = self.model()
        t.training = self._measured(learner, model, False)
        t.validation = None if valid is None else self._measured(valid, model, True)
        speed = (t.state.n_samples - self.epochs_before * self.n_rows) / max(self._learning_s, 1e-9)
        t.history.add(
            {
                "training_speed": f"{speed:.0f} obs/sec",
                "epochs": self.n_epochs,
                "iterations": t.n_iterations,
                "samples": t.state.n_samples,
            },
            t.training,
            t.validation,
        )
        self._keep_best()
        if self.loss.name == "huber":
            self._set_delta(learner)
        self._scored_at = time.monotonic()
        self._scoring_s = self._scored_at - started

    def _measured(self, learner: Learner, model: DeepLearningModel, valid: bool) -> Any:
        builder = spec_metric_builder(self.spec, valid)
        one_in = self._one_in(valid)
        return builder.finish(
            builder.partial_of(lambda finer: learner.measure(model, finer, one_in))
        )

    def _keep_best(self) -> None:
        t = self.trained
        value = t.history.stop_values[-1]
        if math.isnan(value):
            return
        higher = t.history.rule.higher_is_better
        if math.isnan(t.best_value) or (value > t.best_value if higher else value < t.best_value):
            t.best_value = value
            t.best = t.state.copy()
            t.best_metrics = (t.training, t.validation)

    def _should_stop(self) -> bool:
        params, t = self.spec.params, self.trained
        judged: Any = t.validation if t.validation is not None else t.training
        if self.spec.category.is_classifier:
            if judged.error <= params["classification_stop"]:
                return True
        elif not self.shell.is_autoencoder and judged.mse <= params["regression_stop"]:
            return True
        return t.history.should_stop()

    def _finish(self, learner: Learner, valid: Learner | None) -> None:
        t = self.trained
        events = t.history.events
        if not events or events[-1].own["iterations"] != t.n_iterations:
            self._score(learner, valid)
        if self.spec.params["overwrite_with_best_model"] and t.best is not None:
            samples = t.state.n_samples
            t.state = t.best.copy()
            t.state.n_samples = samples
            t.training, t.validation = t.best_metrics

    def _save(self) -> None:
        if time.monotonic() - self._saved_at > _SAVE_INTERVAL_S:
            self.ctx.checkpoint(self.trained)
            self._saved_at = time.monotonic()
