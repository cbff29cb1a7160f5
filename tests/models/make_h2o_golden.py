"""Write h2o_metrics.json: what real H2O 3.46.0.12 says of generated predictions.

Run by hand with a Python that has the ``h2o`` package (and Java): ``python make_h2o_golden.py``.
"""

from __future__ import annotations

import json
from pathlib import Path

import h2o
import numpy as np
import pandas as pd

FIGURES = (
    "MSE", "RMSE", "r2", "logloss", "AUC", "pr_auc", "Gini", "mean_per_class_error", "mae",
    "rmsle", "mean_residual_deviance", "nobs",
)  # fmt: skip
TABLES = (
    "max_criteria_and_metric_scores", "gains_lift_table", "thresholds_and_metric_scores",
    "hit_ratio_table", "multinomial_auc_table", "multinomial_aucpr_table",
)  # fmt: skip
N = 120


def told(metrics, **inputs) -> dict:
    found = metrics._metric_json
    tables = {name: found[name] for name in TABLES if found.get(name) is not None}
    if found.get("cm") is not None:
        tables["cm"] = found["cm"]["table"]
    return {
        "inputs": {name: np.asarray(values).tolist() for name, values in inputs.items()},
        "figures": {name: found[name] for name in FIGURES if name in found},
        "tables": {
            name: {"header": list(t.col_header), "rows": [list(row) for row in t.cell_values]}
            for name, t in tables.items()
        },
    }


def binomial(rng, weights) -> dict:
    y = (rng.random(N) < 0.35).astype(int)
    p = np.round(np.clip(rng.normal(0.35 + 0.2 * y, 0.2), 0.01, 0.99), 2)
    frame = h2o.H2OFrame(pd.DataFrame({"p": p, "y": y, "w": weights}))
    actual = frame["y"].asfactor()
    w = frame["w"] if np.any(weights != 1) else None
    metrics = h2o.make_metrics(frame["p"], actual, domain=["0", "1"], weights=w)
    return told(metrics, p=p, y=y, w=weights)


def multinomial(rng) -> dict:
    y = rng.integers(0, 3, N)
    p = rng.dirichlet(np.ones(3), N)
    p[np.arange(N), y] += 0.3
    p = np.round(p / p.sum(1, keepdims=True), 2)
    frame = h2o.H2OFrame(pd.DataFrame(p, columns=list("abc")))
    actual = h2o.H2OFrame(pd.DataFrame({"y": np.array(list("abc"))[y]}))["y"].asfactor()
    metrics = h2o.make_metrics(frame, actual, domain=list("abc"), auc_type="MACRO_OVR")
    return told(metrics, p=p, y=y)


def regression(rng, distribution: str) -> dict:
    f = np.round(rng.gamma(2, 2, N) + 0.1, 2)
    y = np.round(f * rng.gamma(5, 0.2, N) * 4) / 4 + 0.25
    frame = h2o.H2OFrame(pd.DataFrame({"p": f, "y": y}))
    return told(h2o.make_metrics(frame["p"], frame["y"], distribution=distribution), p=f, y=y)


def main() -> None:
    h2o.init(port=54893, max_mem_size="1g", nthreads=1)
    rng = np.random.default_rng(3)
    golden = {
        "binomial": binomial(rng, np.ones(N)),
        "binomial_weighted": binomial(rng, rng.integers(0, 4, N).astype(float)),
        "multinomial": multinomial(rng),
    }
    for distribution in ("gaussian", "poisson", "gamma", "laplace"):
        golden[distribution] = regression(rng, distribution)
    text = json.dumps(golden, separators=(",", ":"))
    Path(__file__).with_name("h2o_metrics.json").write_text(text + "\n")
    h2o.cluster().shutdown()


if __name__ == "__main__":
    main()
