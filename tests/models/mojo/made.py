"""Models made by hand: random trees over numbers and levels, and the tables they score."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dh2o.models import ModelCategory, ModelOutput
from dh2o.models.calibration import Calibration
from dh2o.models.drf import DRFModel
from dh2o.models.encoding import Encoding, EncodingStep
from dh2o.models.forest import NA_LEFT, NA_RIGHT, NA_VS_REST, Forest
from dh2o.models.gbm import GBMModel
from dh2o.models.isolation_forest import IsolationForestModel
from dh2o.models.params import ModelParameter, ModelParameters

FEW = ("blue", "green", "red")
MANY = tuple(f"L{i:03d}" for i in range(70))
NAMES = ("x", "few", "many", "k")
DOMAINS = (None, FEW, MANY, None)


def random_forest(
    rng: np.random.Generator,
    n_trees: int,
    n_classes: int = 1,
    domains=DOMAINS,
    max_depth: int = 5,
    stop: float = 0.3,
) -> Forest:
    """Return trees that split on numbers, on small and large sets of levels, and on NA alone."""
    parts = [_tree(rng, domains, max_depth, stop) for _ in range(n_trees * n_classes)]
    starts = np.cumsum([0, *(len(tree["features"]) for tree in parts)])
    shifts = np.cumsum([0, *(len(tree["bits"]) for tree in parts)])
    for tree, shift in zip(parts, shifts, strict=False):
        tree["bit_starts"] = [at + shift if at >= 0 else -1 for at in tree["bit_starts"]]
    arrays = {name: np.concatenate([np.asarray(t[name]) for t in parts]) for name in parts[0]}
    kinds = dict.fromkeys(("thresholds", "values", "weights", "gains"), "f4")
    kinds |= dict.fromkeys(("features", "left", "n_bits"), "i4")
    kinds |= {"na_sides": "i1", "bit_starts": "i8", "bits": "u1"}
    typed = {name: array.astype(kinds[name]) for name, array in arrays.items()}
    return Forest.from_arrays(n_classes, len(domains), {"starts": starts, **typed})


def _tree(rng, domains, max_depth, stop):
    names = ("features", "left", "na_sides", "bit_starts", "n_bits", "thresholds", "values",
             "weights", "gains", "bits")  # fmt: skip
    tree = {name: [] for name in names}
    queue = [0]
    _leaf(tree, rng)
    depths = [0]
    while queue:
        k = queue.pop(0)
        if depths[k] == max_depth or (depths[k] > 1 and rng.random() < stop):
            continue
        _split(tree, k, rng, domains)
        tree["left"][k] = len(depths)
        for _ in range(2):
            queue.append(len(depths))
            depths.append(depths[k] + 1)
            _leaf(tree, rng)
    for k in range(len(depths) - 1, -1, -1):
        child = tree["left"][k]
        if child:
            tree["weights"][k] = tree["weights"][child] + tree["weights"][child + 1]
    return tree


def _leaf(tree, rng):
    fresh = dict.fromkeys(("left", "na_sides", "n_bits", "gains", "thresholds"), 0)
    fresh |= {"features": -1, "bit_starts": -1}
    fresh |= {"values": round(rng.normal() * 0.3, 3), "weights": float(rng.integers(1, 20))}
    for name, value in fresh.items():
        tree[name].append(value)


def _split(tree, k, rng, domains):
    feature = int(rng.integers(len(domains)))
    tree["features"][k], tree["values"][k] = feature, 0.0
    tree["gains"][k] = float(rng.random())
    tree["na_sides"][k] = int(rng.choice([NA_LEFT, NA_RIGHT]))
    if rng.random() < 0.1:
        tree["na_sides"][k] = NA_VS_REST
    elif domains[feature] is None or rng.random() < 0.2:
        tree["thresholds"][k] = float(rng.normal() * 2)
    else:
        n = len(domains[feature])
        tree["bit_starts"][k], tree["n_bits"][k] = len(tree["bits"]), n
        tree["bits"].extend(np.packbits(rng.random(n) < 0.5, bitorder="little").tolist())


def table(rng: np.random.Generator, n: int = 40) -> pd.DataFrame:
    """Return rows with NA in every column and levels that no model knows."""
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=n).round(3),
            "few": rng.choice([*FEW, "purple", None], n),
            "many": rng.choice([*MANY, "other"], n),
            "k": rng.integers(-3, 4, n).astype(float),
            "off": rng.normal(size=n).round(3),
        }
    )
    frame.loc[rng.random(n) < 0.15, ["x"]] = np.nan
    frame.loc[rng.random(n) < 0.15, ["many"]] = None
    frame.loc[0, ["x", "few", "many", "k"]] = None
    return frame


def output(
    category: ModelCategory,
    classes: tuple[str, ...] | None = None,
    names=NAMES,
    domains=DOMAINS,
    *,
    offset: str | None = None,
    encoding: Encoding | None = None,
    calibration: Calibration | None = None,
    **more,
) -> ModelOutput:
    """Return the output of a model with response ``y``."""
    special = [offset] if offset else []
    return ModelOutput(
        category=category,
        names=(*names, *special, "y"),
        domains=(*domains, *([None] * len(special)), classes),
        column_types=("Numeric",) * (len(names) + len(special) + 1),
        response="y",
        offset=offset,
        threshold=0.41 if category is ModelCategory.BINOMIAL else None,
        end_time_ms=1_700_000_000_123,
        encoding=encoding,
        calibration=calibration,
        **more,
    )


def params(**values) -> ModelParameters:
    return ModelParameters({k: ModelParameter(k, None, v, v) for k, v in values.items()})


def gbm(distribution: str, rng: np.random.Generator, **more) -> GBMModel:
    """Return a boosted model of that distribution."""
    category, classes = ModelCategory.REGRESSION, None
    if distribution in ("bernoulli", "quasibinomial"):
        category, classes = ModelCategory.BINOMIAL, ("no", "yes")
    if distribution == "multinomial":
        category, classes = ModelCategory.MULTINOMIAL, ("a", "b", "c")
    n_classes = 3 if classes and len(classes) == 3 else 1
    domains = more.get("domains", DOMAINS)
    forest = random_forest(rng, 6, n_classes, domains)
    init = 0.0 if n_classes == 3 else 0.25
    return GBMModel("made", params(seed=1), output(category, classes, **more), forest, init,
                    distribution)  # fmt: skip


def drf(kind: str, rng: np.random.Generator) -> DRFModel:
    """Return a forest: regression, binomial, double or multinomial."""
    classes = {"regression": None, "multinomial": ("a", "b", "c")}.get(kind, ("no", "yes"))
    category = {"regression": ModelCategory.REGRESSION, "multinomial": ModelCategory.MULTINOMIAL}
    per_round = {"double": 2, "multinomial": 3}.get(kind, 1)
    forest = random_forest(rng, 5, per_round)
    np.clip(np.abs(forest.values), 0, 1, out=forest.values)
    what = output(category.get(kind, ModelCategory.BINOMIAL), classes)
    return DRFModel("made", params(), what, forest, np.zeros(5, np.int64))


def isolation_forest(rng: np.random.Generator, threshold: float = -1.0) -> IsolationForestModel:
    """Return an isolation forest; a threshold makes it flag anomalies."""
    forest = random_forest(rng, 5)
    np.rint(np.abs(forest.values) * 10, out=forest.values)
    what = output(ModelCategory.ANOMALY).replace(
        names=NAMES, domains=DOMAINS, column_types=("Numeric",) * 4, response=None,
        threshold=threshold,
    )  # fmt: skip
    return IsolationForestModel("made", params(), what, forest, 3, 20)


def encoding(scheme: str) -> Encoding:
    """Return an encoding of both columns of levels."""
    steps = []
    for name, levels in (("few", FEW), ("many", MANY)):
        if scheme == "OneHotExplicit":
            steps.append(EncodingStep.one_hot(name, levels))
        elif scheme == "Binary":
            steps.append(EncodingStep.binary(name, levels))
        elif scheme == "LabelEncoder":
            steps.append(EncodingStep(name, levels, "map", (name,), np.arange(float(len(levels)))))
        elif scheme == "Eigen":
            values = np.cos(np.arange(len(levels))).astype(np.float32).astype(float)
            steps.append(EncodingStep(name, levels, "map", (f"{name}.Eigen",), values))
        else:
            kept = (*levels[:2], "other")
            values = np.minimum(np.arange(len(levels)), 2.0)
            steps.append(EncodingStep(name, levels, "map", (name,), values, kept))
    return Encoding(scheme, (*NAMES, "y"), (*DOMAINS, ("no", "yes")), tuple(steps))


def encoded_gbm(scheme: str, rng: np.random.Generator) -> GBMModel:
    """Return a boosted model behind an encoding."""
    how = encoding(scheme)
    names = how.encoded_names(("y",))[:-1]
    domains = tuple(how.domain_of(name) for name in names)
    return gbm("bernoulli", rng, names=names, domains=domains, encoding=how)
