"""What is measured while a linear model grows, when it stops early, and the table of it all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.building.history import ScoringEvent, ScoringHistory, metric_columns
from dh2o.estimators.building.stopping import StopRule
from dh2o.estimators.glm.fit import State, Step
from dh2o.estimators.glm.path import PathPlan, Solution
from dh2o.estimators.glm.problem import Problem
from dh2o.estimators.glm.tables import path_row
from dh2o.estimators.scoring import model_metrics
from dh2o.estimators.spec import TrainSpec
from dh2o.models import TwoDimTable
from dh2o.models.glm import GLMModel

F64 = NDArray[np.float64]
Metrics = dict[str, Any]

_TINY = 1e-300


@dataclass(slots=True, eq=False)
class Progress:
    """Measures steps and solutions when the parameters ask for it, and keeps what it found.

    ``by_row`` has the metrics of each row of the history to come, by its place; ``plain_by_row``
    those with the effects that scoring leaves out.
    """

    spec: TrainSpec
    problem: Problem
    plan: PathPlan
    make_model: Callable[[F64], GLMModel]
    by_row: dict[int, Metrics] = field(default_factory=dict)
    plain_by_row: dict[int, Metrics] = field(default_factory=dict)
    tests: list[float] = field(default_factory=list)
    stop_values: list[float] = field(default_factory=list)

    @property
    def rule(self) -> StopRule:
        """When the metrics say that more steps do not help."""
        return StopRule.of(self.spec.params, self.spec.category)

    @property
    def is_detailed(self) -> bool:
        """Whether deviances of every step were asked for."""
        return bool(self.spec.params["generate_scoring_history"])

    def measure(self, model: GLMModel) -> Metrics:
        """Return training and validation metrics of `model`."""
        spec = self.spec
        found = {"training": model_metrics(model, spec.train, weights=spec.weights)}
        if spec.valid is not None:
            weights = spec.valid_weights or spec.weights
            found["validation"] = model_metrics(model, spec.valid, weights=weights)
        return found

    def after_step(self, state: State) -> bool:
        """Look at the step just made; return whether to stop here."""
        if self.plan.is_search:
            return False
        if self.is_detailed and self.plan.valid is not None:
            self._add_test(state)
        if not self._is_due(state.iterations):
            return False
        found = self._measure_row(len(state.steps) - 1, state.beta)
        self.stop_values.append(self.rule.value(found.get("validation", found["training"])))
        return self.rule.should_stop(self.stop_values)

    def after_solution(self, place: int, solution: Solution) -> None:
        """Look at a solution of a lambda search."""
        if self.plan.is_search and self._is_due(solution.iteration):
            self._measure_row(place, solution.beta)

    def _measure_row(self, place: int, beta: F64) -> Metrics:
        model = self.make_model(beta)
        self.by_row[place] = self.measure(model)
        if self._mutes:
            plain = model.with_effects(muted=(), mutes_offset=False)
            self.plain_by_row[place] = self.measure(plain)
        return self.by_row[place]

    def _is_due(self, iteration: int) -> bool:
        params = self.spec.params
        interval = params["score_iteration_interval"]
        if interval > 0:
            return bool(iteration % interval == 0)
        return bool(params["score_each_iteration"] or self.rule.rounds > 0)

    def _add_test(self, state: State) -> None:
        sums = self.problem.fit_sums(state.beta, self.plan.valid, self.plan.valid_roles)
        self.tests += [math.nan] * (len(state.steps) - 1 - len(self.tests))
        self.tests.append(sums.deviance / sums.weight if sums.weight else math.nan)

    # ---- the table

    def table(
        self, state: State, solutions: list[Solution], final: Metrics, *, restricted: bool = False
    ) -> TwoDimTable:
        """Return H2O's scoring history; the last row has the metrics of the model itself.

        `restricted` is the one of a model in which some columns do not count: likelihoods are of
        what it predicts, where that was measured, and those of the fit stand beside them.
        """
        if self.plan.is_search:
            rows = [(s.time_ms, path_row(s)) for s in solutions]
            rows[-1][1]["iterations"] = state.iterations
            errors = xval_of_path(self.spec.cv_facts, solutions)
        else:
            rows = [(step.time_ms, self._step_row(i, step)) for i, step in enumerate(state.steps)]
            errors = xval_of_steps(self.spec.cv_facts, [s.iteration for s in state.steps])
        for (_, row), (mean, error) in zip(rows, errors, strict=False):
            row |= {"deviance_xval": mean, "deviance_se": error}
        measured = self.by_row if restricted or not self._mutes else self.plain_by_row
        measured = {**measured, len(rows) - 1: final}
        if self.is_detailed and not self.plan.is_search:  # H2O: only steps that were measured
            rows = [rows[place] for place in sorted(measured)]
            measured = dict(enumerate(measured[place] for place in sorted(measured)))
        if restricted:
            for place, (_, row) in enumerate(rows):
                row |= self._restricted_row(row, measured.get(place, {}))
        return self._table_of(rows, measured, restricted=restricted, with_xval=bool(errors))

    @property
    def _mutes(self) -> bool:
        params = self.spec.params
        return bool(params["control_variables"] or params["remove_offset_effects"])

    def _restricted_row(self, row: dict[str, Any], found: Metrics) -> dict[str, Any]:
        """Return likelihood, objective and deviance of what the model predicts, and of the fit."""
        reg, family = self.problem.obj_reg, self.problem.family
        fit, objective = row["negative_log_likelihood"], row["objective"]
        extra = getattr(found.get("training"), "extra", {})
        deviance = extra.get("residual_deviance", math.nan)
        nll = deviance / family.deviance_factor * family.shown_factor
        return {
            "negative_log_likelihood": nll,
            "objective": objective + (nll - fit) * reg,
            "deviance_train": deviance * reg,
            "unrestricted_negative_log_likelihood": fit,
            "unrestricted_objective": objective,
        }

    def _step_row(self, place: int, step: Step) -> dict[str, Any]:
        reg, family = self.problem.obj_reg, self.problem.family
        shown = family.shown_factor * step.nll
        return {
            "iterations": step.iteration,
            "negative_log_likelihood": shown,
            "objective": step.objective + (shown - step.nll) * reg,
            "alpha": step.alpha,
            "lambda": step.lam,
            "deviance_train": family.deviance_factor * step.nll * reg,
            "deviance_test": self.tests[place] if place < len(self.tests) else math.nan,
        }

    def _own_columns(self, *, restricted: bool, with_xval: bool) -> dict[str, str]:
        deviances = {"deviance_train": "double"}
        if self.plan.valid is not None:
            deviances["deviance_test"] = "double"
        if with_xval:
            deviances |= {"deviance_xval": "double", "deviance_se": "double"}
        if self.plan.is_search:
            first = {"iteration": "int", "lambda": "string", "predictors": "int"}
            return {**first, **deviances, "alpha": "double", "iterations": "int"}
        own = {"iterations": "int", "negative_log_likelihood": "double", "objective": "double"}
        if restricted:
            own |= {f"unrestricted_{name}": "double" for name in list(own)[1:]}
        if not self.is_detailed:
            return own
        return {**own, "alpha": "double", "lambda": "double", **deviances}

    def _table_of(
        self, rows: list[tuple[int, dict[str, Any]]], measured: dict[int, Metrics], **shape: bool
    ) -> TwoDimTable:
        spec = self.spec
        columns = self._own_columns(**shape)
        history = ScoringHistory(spec.category, columns, self.rule, spec.start_time_ms)
        for place, (time_ms, own) in enumerate(rows):
            found = measured.get(place, {})
            shown = {data: _figures(spec, metrics) for data, metrics in found.items()}
            history.events.append(ScoringEvent(time_ms, own, shown))
        return _with_r2(history.table(), [measured.get(i, {}) for i in range(len(rows))])


def _figures(spec: TrainSpec, metrics: Any) -> dict[str, float]:
    columns = metric_columns(spec.category)
    return {suffix: float(getattr(metrics, name, math.nan)) for suffix, name in columns.items()}


def _with_r2(table: TwoDimTable, rows: list[Metrics]) -> TwoDimTable:
    """Return the history with R2 of each data set after its logloss or MAE, where H2O has it."""
    columns: dict[str, Any] = {}
    layout = zip(table.col_names, table.col_types, table.col_formats, table.columns, strict=True)
    for name, kind, shape, cells in layout:
        columns[name] = (kind, shape, list(cells))
        data, _, figure = name.partition("_")
        if data in ("training", "validation") and figure in ("logloss", "mae"):
            r2 = [float(getattr(found.get(data), "r2", math.nan)) for found in rows]
            columns[f"{data}_r2"] = ("double", "%.5f", r2)
    return TwoDimTable.of(table.name, columns, table.description)


def fold_curves(facts: tuple[dict[str, Any], ...], solutions: list[Solution]) -> list[F64]:
    """Return each fold's held-out deviance at the penalties of `solutions`.

    Folds have paths of their own: between their lambdas it is interpolated on the log scale.
    """
    curves = []
    for fact in facts:
        if "deviance" not in fact:
            continue
        alphas, lambdas, deviances = (np.array(fact[k]) for k in ("alpha", "lambda", "deviance"))
        curve = np.full(len(solutions), np.nan)
        for i, solution in enumerate(solutions):
            same = np.flatnonzero((alphas == solution.alpha) & ~np.isnan(deviances))
            if len(same):
                order = same[np.argsort(lambdas[same])]
                known = np.log(np.maximum(lambdas[order], _TINY))
                at = math.log(max(solution.lam, _TINY))
                curve[i] = np.interp(at, known, deviances[order])
        curves.append(curve)
    return curves


def xval_of_path(
    facts: tuple[dict[str, Any], ...], solutions: list[Solution]
) -> list[tuple[float, float]]:
    """Return mean and standard error of the folds' deviances at each solution."""
    return _mean_and_error(fold_curves(facts, solutions))


def one_error_lambda(
    facts: tuple[dict[str, Any], ...], solutions: list[Solution], best_idx: int
) -> float:
    """Return the largest lambda whose held-out deviance is within one standard error of the best.

    Lambdas are walked upwards from the best one, at its alpha. -1 without cross-validation.
    """
    errors = xval_of_path(facts, solutions)
    if not errors:
        return -1.0
    best = solutions[best_idx]
    limit = sum(errors[best_idx])
    chosen = best.lam
    larger = [i for i, s in enumerate(solutions) if s.alpha == best.alpha and s.lam > best.lam]
    for i in sorted(larger, key=lambda i: solutions[i].lam):
        if not errors[i][0] <= limit:
            break
        chosen = solutions[i].lam
    return chosen


def xval_of_steps(
    facts: tuple[dict[str, Any], ...], iterations: list[int]
) -> list[tuple[float, float]]:
    """Return mean and standard error of the folds' deviances after each iteration.

    Folds end at iterations of their own: one counts with what it had last, or else has first.
    """
    curves = []
    for fact in facts:
        known = {
            i: test
            for i, test in zip(fact.get("iterations", ()), fact.get("tests", ()), strict=False)
            if not math.isnan(test)
        }
        if known:
            at = [max((k for k in known if k <= i), default=min(known)) for i in iterations]
            curves.append(np.array([known[k] for k in at]))
    return _mean_and_error(curves)


def _mean_and_error(curves: list[F64]) -> list[tuple[float, float]]:
    if not curves:
        return []
    table = np.array(curves)
    spread = table.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(table.shape[1])
    error = spread / math.sqrt(len(curves))
    return list(zip(table.mean(axis=0).tolist(), error.tolist(), strict=True))
