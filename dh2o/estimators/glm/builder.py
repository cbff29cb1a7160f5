"""Builds generalized linear models."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.glm.checks import check_parameters
from dh2o.estimators.glm.params import PARAMS
from dh2o.estimators.glm.training import train_glm
from dh2o.estimators.messages import Message
from dh2o.estimators.params import ParamTable
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import Frame, Vec, VecType
from dh2o.models import Model, ModelCategory, ModelParameters
from dh2o.models.glm import GLMModel
from dh2o.models.glm_family import FAMILIES

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext


class GLMBuilder(ModelBuilder):
    """Maximum likelihood with an elastic net penalty, by iteratively reweighted least squares."""

    algo: ClassVar[str] = "glm"
    algo_full_name: ClassVar[str] = "Generalized Linear Modeling"
    params: ClassVar[ParamTable] = PARAMS
    can_build: ClassVar[tuple[ModelCategory, ...]] = (
        ModelCategory.REGRESSION,
        ModelCategory.BINOMIAL,
        ModelCategory.MULTINOMIAL,
        ModelCategory.ORDINAL,
    )
    model_class: ClassVar[type[Model]] = GLMModel
    warns_of_numeric_binary: ClassVar[bool] = True
    grid_warnings: ClassVar[Mapping[str, str]] = {
        "alpha": "Adding alpha array to hyperparameter runs slower with gridsearch. Each model "
        "prepares the data anew; give the array as the parameter alpha, and one model tries all."
    }

    def category_of(self, params: ModelParameters, response: Vec | None) -> ModelCategory:
        family = params["family"]
        if family in _CATEGORIES:
            return _CATEGORIES[family]
        if family != "AUTO":
            return ModelCategory.REGRESSION
        return super().category_of(params, response)

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        family = spec.params["family"]
        if family == "AUTO":
            family = _FAMILIES.get(spec.category, "gaussian")
        if spec.params["build_null_model"]:
            spec = spec.replace(x=())
        link = spec.params["link"]
        if link == "family_default":
            link = FAMILIES[family].default_link
        alpha = spec.params["alpha"]
        if not alpha:
            alpha = (0.0,) if spec.params["solver"] == "L_BFGS" else (0.5,)
        spec = spec.with_actual(family=family, link=link, alpha=alpha)
        if spec.params["influence"] is not None:
            spec = _with_influence(spec)
        if family == "multinomial" and spec.offset is not None:
            warning = "offset_column has no effect on multinomial and will be ignored."
            message = Message.warn("offset_column", warning)
            spec = spec.replace(offset=None, messages=(*spec.messages, message))
        return _with_classes(spec) if family == "binomial" else spec

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        return check_parameters(spec)

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        return train_glm(ctx, spec)

    def cv_facts(self, model: Model) -> dict[str, Any]:
        if not isinstance(model, GLMModel):
            return {}
        facts: dict[str, Any] = {}
        table = model.output.scoring_history
        if table is not None and {"iterations", "deviance_test"} <= set(table.col_names):
            facts = {"iterations": table["iterations"], "tests": table["deviance_test"]}
        if model.path_lambda is None or model.path_alpha is None or model.path_deviance is None:
            return facts
        return {
            **facts,
            "alpha": model.path_alpha.tolist(),
            "lambda": model.path_lambda.tolist(),
            "deviance": model.path_deviance[:, 1].tolist(),
        }


_CATEGORIES = {
    "binomial": ModelCategory.BINOMIAL,
    "multinomial": ModelCategory.MULTINOMIAL,
    "ordinal": ModelCategory.ORDINAL,
}
_FAMILIES = {category: family for family, category in _CATEGORIES.items()}


def _with_influence(spec: TrainSpec) -> TrainSpec:
    """Return the spec with what influence diagnostics need turned on, as H2O does."""
    params = spec.params
    return spec.with_actual(
        **{
            "lambda": params["lambda"] or (0.0,),
            "solver": "IRLSM" if params["solver"] == "AUTO" else params["solver"],
            "compute_p_values": True,
            "remove_collinear_columns": True,
        }
    )


def _with_classes(spec: TrainSpec) -> TrainSpec:
    """Return the spec with a 0/1 response read as two classes."""
    if spec.response is None or spec.train.vec(spec.response).is_enum:
        return spec
    stats = spec.train.select([spec.response]).rollups()[0]
    if not (stats.is_int and stats.min >= 0 and stats.max <= 1):
        return spec
    valid = None if spec.valid is None else _as_classes(spec.valid, spec.response)
    return spec.replace(train=_as_classes(spec.train, spec.response), valid=valid)


def _as_classes(frame: Frame, response: str) -> Frame:
    vec = dataclasses.replace(frame.vec(response), type=VecType.ENUM, domain=("0", "1"))
    return frame.with_vec(response, vec)


register(GLMBuilder())
