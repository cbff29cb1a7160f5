"""Builders: one per algorithm, found by name, run as jobs."""

from __future__ import annotations

import logging
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from dh2o.estimators.building.prepare import prepare
from dh2o.estimators.messages import BuilderError, Message
from dh2o.estimators.params import ParamTable
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import VecType
from dh2o.models import Model, ModelCategory, ModelParameters
from dh2o.mrtask import use_engine

if TYPE_CHECKING:
    from dh2o.frame import Frame, Vec
    from dh2o.mrtask import Engine, Job, JobContext


_log = logging.getLogger("dh2o.estimators")


class ModelBuilder(ABC):
    """How one algorithm makes a model. Stateless: one instance serves every build.

    A subclass sets the class attributes and defines ``build``; the base resolves parameters and
    columns, cross-validates, stores the model and reports.
    """

    algo: ClassVar[str]
    algo_full_name: ClassVar[str]
    params: ClassVar[ParamTable]
    supervised: ClassVar[bool] = True
    can_build: ClassVar[tuple[ModelCategory, ...]] = (
        ModelCategory.REGRESSION,
        ModelCategory.BINOMIAL,
        ModelCategory.MULTINOMIAL,
    )
    # What every model of the algorithm is; None: the response tells.
    category: ClassVar[ModelCategory | None] = None
    visibility: ClassVar[str] = "Stable"
    model_class: ClassVar[type[Model]]
    # Trees can split on NA, so a column of one value and NA is of use to them.
    learns_from_na: ClassVar[bool] = False
    warns_of_numeric_binary: ClassVar[bool] = True
    # Further parameters whose AUTO H2O can be asked to show as it was given.
    shown_autos: ClassVar[tuple[str, ...]] = ()
    # What users should know who vary a parameter in a grid search, by its name.
    grid_warnings: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model. Report with ``ctx.update``, call ``ctx.check()`` in the loop."""

    def prepare(
        self, params: ModelParameters, model_key: str, found: tuple[Message, ...] = ()
    ) -> TrainSpec:
        """Return the spec of a model, or raise `BuilderError` with all findings."""
        return prepare(self, params, model_key, found)

    def check(self, spec: TrainSpec) -> Iterable[Message]:  # noqa: ARG002  # for subclasses
        """Return what is wrong with the spec from the algorithm's own point of view."""
        return ()

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        """Return the spec with AUTO values replaced by what they mean for this data."""
        return spec

    def category_of(
        self,
        params: ModelParameters,  # noqa: ARG002  # for subclasses
        response: Vec | None,
    ) -> ModelCategory:
        """Return `category`, else what the response's type makes: enum classes, else numbers."""
        if self.category is not None:
            return self.category
        if response is None:
            return ModelCategory.UNKNOWN
        if response.type is VecType.ENUM:
            two = response.n_levels <= 2
            return ModelCategory.BINOMIAL if two else ModelCategory.MULTINOMIAL
        return ModelCategory.REGRESSION

    def learned_from(self, params: ModelParameters, train: Frame) -> Frame:  # noqa: ARG002
        """Return the training frame as the algorithm takes it, e.g. with another response type."""
        return train

    def needs_response(self, params: ModelParameters) -> bool:  # noqa: ARG002  # for subclasses
        """Return whether these parameters ask for a model of a response."""
        return self.supervised

    def cv_facts(self, model: Model) -> dict[str, Any]:  # noqa: ARG002  # for subclasses
        """Return what the main model should know of a fold's model, e.g. its number of trees."""
        return {}


_BUILDERS: dict[str, ModelBuilder] = {}


def register(builder: ModelBuilder) -> ModelBuilder:
    """Make an algorithm known under ``builder.algo``, and its models loadable.

    Parameters
    ----------
    builder : ModelBuilder
        The algorithm.
    """
    from dh2o.models import register_model

    _BUILDERS[builder.algo] = builder
    register_model(builder.model_class)
    return builder


def builders() -> dict[str, ModelBuilder]:
    """Return all known algorithms by name."""
    import dh2o.estimators.registry

    dh2o.estimators.registry.load()
    return dict(_BUILDERS)


def builder_of(algo: str) -> ModelBuilder:
    """Return the builder of `algo`.

    Parameters
    ----------
    algo : str
        H2O's name of the algorithm, as "gbm".

    Raises
    ------
    KeyNotFoundError
        There is no such algorithm; the message names some that there are.
    """
    from dh2o.errors import KeyNotFoundError

    known = builders()
    if algo.lower() not in known:
        raise KeyNotFoundError.of("Algorithm", algo, known)
    return known[algo.lower()]


def new_model_key(algo: str) -> str:
    """Return a key that no other model has."""
    return f"{algo.upper()}_model_dh2o_{int(time.time() * 1000)}_{uuid.uuid4().hex[:6]}"


def validate(
    engine: Engine, algo: str, raw: Mapping[str, Any], model_id: str | None = None
) -> TrainSpec:
    """Return the spec of the model that `raw` asks for, or raise `BuilderError`; trains nothing."""
    builder = builder_of(algo)
    params, messages = builder.params.read(raw)
    key = model_id or params.get("model_id") or new_model_key(algo)
    unknown = [m for m in messages if m.message.startswith("Unknown parameter")]
    if unknown:
        raise BuilderError(algo, messages, key)
    with use_engine(engine):
        return builder.prepare(params, key, messages)


def start(engine: Engine, spec: TrainSpec) -> Job:
    """Start the job that builds the model of `spec` and stores it.

    The job's ``dest`` is the model's key; ``job.result()`` returns the model.
    """
    from dh2o.estimators.building.driver import run_build

    builder = builder_of(spec.algo)
    for text in spec.warnings:
        _log.warning("%s", text)
    return engine.start_job(
        f"{builder.algo_full_name} model build",
        run_build,
        builder,
        spec,
        dest=spec.model_key,
        dest_type="Key<Model>",
    )


def start_build(
    engine: Engine, algo: str, raw_params: Mapping[str, Any], model_id: str | None = None
) -> Job:
    """Check everything now, then start the job that builds the model and stores it.

    Parameters
    ----------
    engine : Engine
        Where it is built.
    algo : str
        H2O's name of the algorithm.
    raw_params : dict
        The parameters under their names over REST; frames by key.
    model_id : str, optional
        Key of the model; default: a new one.

    Raises
    ------
    BuilderError
        Parameters do not fit the data or each other; all such are named at once.
    """
    return start(engine, validate(engine, algo, raw_params, model_id))
