"""Builds naive Bayes models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dh2o.errors import ModelError
from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.building.finite import finite_rollups
from dh2o.estimators.messages import Message
from dh2o.estimators.naive_bayes.counts import F64, ClassSums, ClassSumsTask
from dh2o.estimators.naive_bayes.params import PARAMS
from dh2o.estimators.params import ParamTable
from dh2o.estimators.scoring import model_metrics, spec_metric_builder
from dh2o.estimators.spec import TrainSpec
from dh2o.models import Model, ModelCategory, TwoDimTable
from dh2o.models.naive_bayes import NaiveBayesModel

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext


class NaiveBayesBuilder(ModelBuilder):
    """Bayes' rule with columns taken as independent within each class."""

    algo: ClassVar[str] = "naivebayes"
    algo_full_name: ClassVar[str] = "Naive Bayes"
    params: ClassVar[ParamTable] = PARAMS
    can_build: ClassVar[tuple[ModelCategory, ...]] = (
        ModelCategory.BINOMIAL,
        ModelCategory.MULTINOMIAL,
    )
    model_class: ClassVar[type[Model]] = NaiveBayesModel
    warns_of_numeric_binary: ClassVar[bool] = False

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        if not spec.category.is_classifier:
            yield Message.error("response_column", "Response must be a categorical column")
        elif spec.n_classes < 2:
            yield Message.error(
                "response_column", "Response must have at least two unique categorical levels"
            )

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        ctx.update(0.0, "Begin distributed Naive Bayes calculation")
        columns = _columns(spec)
        found = _sums(spec, *columns)
        if found.weights.sum() == 0:
            raise ModelError(
                "Every row has an NA among its predictors or in the response, so there is nothing "
                "to learn from. Leave out columns with many NAs, or impute them."
            )
        model = _model(spec, found, *columns)
        ctx.update(0.5, "Scoring and computing metrics on training data")
        metrics: dict[str, Any] = {}
        if spec.params["compute_metrics"]:
            metrics["training_metrics"] = model_metrics(
                model, spec.train, weights=spec.weights, builder=_judge(model, spec, valid=False)
            )
        if spec.valid is not None:
            metrics["validation_metrics"] = model_metrics(
                model, spec.valid, weights=spec.valid_weights or spec.weights,
                builder=_judge(model, spec, valid=True),
            )  # fmt: skip
        return model.replace(output=model.output.replace(**metrics))


def _judge(model: Model, spec: TrainSpec, *, valid: bool) -> Any:
    return model.metric_builder(spec_metric_builder(spec, valid=valid))


def _columns(spec: TrainSpec) -> tuple[list[str], list[str]]:
    """Return the categorical columns, those with most levels in front, and the numeric ones."""
    train = spec.train
    cats = [name for name in spec.x if train.vec(name).is_enum]
    cats.sort(key=lambda name: -train.vec(name).n_levels)
    return cats, [name for name in spec.x if not train.vec(name).is_enum]


def _sums(spec: TrainSpec, cats: list[str], numbers: list[str]) -> ClassSums:
    train = spec.train
    stats = finite_rollups(train, numbers, "no normal distribution")
    special = [name for name in (spec.weights, spec.response) if name]
    task = ClassSumsTask(
        tuple(cats), tuple(train.vec(name).n_levels for name in cats), tuple(numbers),
        tuple(float(np.nan_to_num(s.mean)) for s in stats), str(spec.response), spec.n_classes,
        spec.weights,
    )  # fmt: skip
    total = task.do_all(train.select([*cats, *numbers, *special]))
    with np.errstate(divide="ignore", invalid="ignore"):
        n = total.weights
        means = total.sums / n
        variances = total.squares / (n - 1.0) - np.square(means) * n / (n - 1.0)
        total.squares = np.sqrt(np.maximum(variances, 0.0))  # NaN with fewer than two rows
    total.squares[:, n < 2] = np.nan
    total.sums = means + np.array(task.centers)[:, None]
    return total


def _model(
    spec: TrainSpec, found: ClassSums, cats: list[str], numbers: list[str]
) -> NaiveBayesModel:
    """Return the model of sums, of which those of numbers are means and deviations by now."""
    laplace, n = spec.params["laplace"], found.weights
    apriori = (n + laplace) / (n.sum() + len(n) * laplace)
    with np.errstate(divide="ignore", invalid="ignore"):
        tables = tuple(
            (counts + laplace) / (n[:, None] + counts.shape[1] * laplace) for counts in found.levels
        )
    output = spec.output()
    order = [*cats, *numbers]
    known = set(order)
    rest = [name for name in output.names if name not in known]
    place = {name: i for i, name in enumerate(output.names)}
    at = [place[name] for name in (*order, *rest)]
    levels = spec.response_domain or ()
    extra = {
        "levels": list(levels),
        "apriori": _apriori_table(apriori, levels),
        "pcond": _tables(spec, tables, found, cats, numbers),
    }
    output = output.replace(
        names=tuple(output.names[i] for i in at),
        domains=tuple(output.domains[i] for i in at),
        column_types=tuple(output.column_types[i] for i in at),
        model_summary=_summary_table(apriori),
        extra=extra,
    )
    return NaiveBayesModel(
        spec.model_key, spec.params, output, apriori, tables, found.sums, found.squares
    )


def _summary_table(apriori: F64) -> TwoDimTable:
    return TwoDimTable.of(
        "Model Summary",
        {
            "": ("string", [""]),
            "number_of_response_levels": ("long", [len(apriori)]),
            "min_apriori_probability": ("double", "%.5f", [apriori.min()]),
            "max_apriori_probability": ("double", "%.5f", [apriori.max()]),
        },
    )


def _apriori_table(apriori: F64, levels: tuple[str, ...]) -> TwoDimTable:
    columns = {level: ("double", [p]) for level, p in zip(levels, apriori, strict=True)}
    return TwoDimTable.of("A Priori Response Probabilities", {"": ("string", [""]), **columns})


def _tables(
    spec: TrainSpec,
    conditionals: tuple[F64, ...],
    found: ClassSums,
    cats: list[str],
    numbers: list[str],
) -> list[TwoDimTable]:
    """Return one table for each column: probabilities of levels, or mean and deviation."""
    levels, made = spec.response_domain or (), []
    for name, table in zip(cats, conditionals, strict=True):
        domain = spec.domains[name] or ()
        cells = {level: ("double", p.tolist()) for level, p in zip(domain, table.T, strict=True)}
        made.append(TwoDimTable.of(name, {f"y_by_{name}": ("string", levels), **cells}))
    for name, means, deviations in zip(numbers, found.sums, found.squares, strict=True):
        cells = {"mean": ("double", means.tolist()), "std_dev": ("double", deviations.tolist())}
        made.append(TwoDimTable.of(name, {f"y_by_{name}": ("string", levels), **cells}))
    return made


register(NaiveBayesBuilder())
