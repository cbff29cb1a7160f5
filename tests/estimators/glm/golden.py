"""Golden results of the real H2O on its prostate data; run this to make them anew (needs Java).

H2O goes on until nothing moves: where it would stop by itself is short of the minimum, which dh2o
finds in any case.

python tests/estimators/glm/golden.py
"""

from __future__ import annotations

import json
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("h2o_prostate.json")
PREDICTORS = ("AGE", "RACE", "DPROS", "DCAPS", "PSA", "VOL", "GLEASON")
CASES: dict[str, dict[str, Any]] = {
    "binomial": {"y": "CAPSULE", "family": "binomial", "lambda": 0.0, "compute_p_values": True},
    "ridge": {"y": "CAPSULE", "family": "binomial", "lambda": 0.1, "alpha": 0.0},
    "plain scale": {"y": "CAPSULE", "family": "binomial", "lambda": 0.0, "standardize": False},
    "weights": {"y": "CAPSULE", "family": "binomial", "lambda": 0.0, "weights_column": "w"},
    "offset": {"y": "CAPSULE", "family": "binomial", "lambda": 0.0, "offset_column": "off"},
    "no intercept": {"y": "CAPSULE", "family": "binomial", "lambda": 0.0, "intercept": False},
    "gaussian": {"y": "VOL", "family": "gaussian", "lambda": 0.0, "compute_p_values": True},
    "poisson": {"y": "GLEASON", "family": "poisson", "lambda": 0.0},
    "gamma": {"y": "PSA", "family": "gamma", "link": "log", "lambda": 0.0},
    "tweedie": {
        "y": "VOL", "family": "tweedie", "tweedie_variance_power": 1.5, "tweedie_link_power": 0.0,
        "lambda": 0.0,
    },
    "negative binomial": {
        "y": "GLEASON", "family": "negativebinomial", "theta": 0.1, "lambda": 0.0,
    },
}  # fmt: skip
TO_THE_END = {"beta_epsilon": 1e-12, "objective_epsilon": 1e-15, "max_iterations": 100}
FIGURES = (
    "residual_deviance", "null_deviance", "residual_degrees_of_freedom",
    "null_degrees_of_freedom", "MSE", "r2", "logloss", "AUC", "AIC",
)  # fmt: skip


def prostate_csv() -> Path:
    """Return the file that ships with the h2o package; the package itself is not imported."""
    spec = find_spec("h2o")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "h2o_data" / "prostate.csv"


def main() -> None:
    import h2o
    from h2o.estimators import H2OGeneralizedLinearEstimator

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    h2o.init(ip="127.0.0.1", port=port, nthreads=1, max_mem_size="1g", bind_to_localhost=True)
    frame = h2o.upload_file(str(prostate_csv()))
    for name in ("CAPSULE", "RACE"):
        frame[name] = frame[name].asfactor()
    frame["w"] = (frame["ID"] % 3) + 1
    frame["off"] = frame["AGE"] / 100
    golden = {}
    for name, case in CASES.items():
        params = {k: v for k, v in case.items() if k not in ("y", "lambda")}
        model = H2OGeneralizedLinearEstimator(lambda_=case["lambda"], **params, **TO_THE_END)
        x = [column for column in PREDICTORS if column != case["y"]]
        model.train(x=x, y=case["y"], training_frame=frame)
        output = model._model_json["output"]
        figures = output["training_metrics"]._metric_json
        golden[name] = {
            "coefficients": model.coef(),
            "standardized": model.coef_norm(),
            "figures": {k: figures[k] for k in FIGURES if figures.get(k) is not None},
            "columns": output["coefficients_table"].col_header,
            "table": [list(row)[1:] for row in output["coefficients_table"].cell_values],
        }
    FILE.write_text(json.dumps(golden, indent=1))
    h2o.cluster().shutdown()


if __name__ == "__main__":
    main()
