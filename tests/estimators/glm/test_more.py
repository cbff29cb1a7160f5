"""Interactions, constraints, inflation factors, muted columns: against least squares by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize

from dh2o.errors import DH2OError
from dh2o.estimators.scoring import predict_frame
from dh2o.models import load_model, save_model
from dh2o.mrtask import Engine
from tests.estimators.glm.data import beta_of, levels, store, train

RNG = np.random.default_rng(7)
N = 300
A, B = RNG.normal(size=(2, N))
C, D = RNG.choice(list("pqr"), N), RNG.choice(list("uv"), N)
Y = A * B + (C == "q") * A + ((C == "r") & (D == "v")) * 1.5 + RNG.normal(size=N)
COLUMNS = {
    "a": A, "b": B, "c": levels(list(C)), "d": levels(list(D)), "y": Y,
    "late": levels([str(int(v)) for v in Y > 0]), "off": np.full(N, 0.5),
}  # fmt: skip
TIGHT = {"beta_epsilon": 1e-10, "objective_epsilon": 0.0}


def constraints(rows: list[tuple[str, float, str, int]]) -> str:
    names, values, types, numbers = zip(*rows, strict=True)
    columns = {
        "names": levels(list(names)), "values": np.array(values), "types": levels(list(types)),
        "constraint_numbers": np.array(numbers, dtype=float),
    }  # fmt: skip
    return store("constraints", columns).key


def test_interactions_are_products_and_pairs(engine: Engine, tmp_path) -> None:
    frame = store("glm", COLUMNS, 3)
    every = ["a", "b", "c", "d"]
    model = train(engine, frame, "y", every, lambda_=0.0, interactions=every)
    columns = [np.ones(N), A, B, C == "q", C == "r", D == "v", A * B, A * (D == "v")]
    columns += [B * (D == "v"), *(x * (k == C) for x in (A, B) for k in "qr")]
    columns += [(k == C) & (D == "v") for k in "qr"]
    X = np.column_stack(columns).astype(float)
    want = Y - X @ np.linalg.lstsq(X, Y, rcond=None)[0]
    assert model.output.training_metrics.mse == pytest.approx((want**2).mean(), rel=1e-9)
    assert {"a_b", "a_c.q", "c_d.r_v"} <= set(model.coefficients())
    again = load_model(save_model(model, tmp_path / "model"))
    one, two = (predict_frame(m, frame).rows(0, N).floats("predict") for m in (model, again))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(one, Y - want, rtol=1e-8, atol=1e-8)


def test_pairs_of_interactions_are_the_same(engine: Engine) -> None:
    frame = store("glm", COLUMNS)
    both = [
        train(engine, frame, "y", ["a", "c", "d"], **how)
        for how in (
            {"interactions": ["a", "c", "d"]},
            {"interaction_pairs": [("a", "c"), ("a", "d"), ("c", "d")]},
        )
    ]
    assert both[0].coefficients() == both[1].coefficients()


def test_equality_constraint_is_a_change_of_variables(engine: Engine) -> None:
    key = constraints([("a", 1, "Equal", 0), ("b", 2, "Equal", 0), ("constant", -0.3, "Equal", 0)])
    frame = store("glm", COLUMNS, 2)
    model = train(
        engine, frame, "y", ["a", "b"], lambda_=0.0, solver="IRLSM", linear_constraints=key
    )
    # a = 0.3 - 2 b
    X = np.column_stack([B - 2 * A, np.ones(N)])
    b, intercept = np.linalg.lstsq(X, Y - 0.3 * A, rcond=None)[0]
    np.testing.assert_allclose(beta_of(model, "a", "b"), [0.3 - 2 * b, b, intercept], rtol=1e-7)
    assert model.output.extra["all_constraints_satisfied"]


def test_inequality_of_a_binomial_model(engine: Engine) -> None:
    rows = [("a", 1.0, "LessThanEqual", 0), ("c.r", 1.0, "LessThanEqual", 0),
            ("constant", -0.4, "LessThanEqual", 0)]  # fmt: skip
    model = train(
        engine, store("glm", COLUMNS, 2), "late", ["a", "c"], lambda_=0.0, solver="IRLSM",
        linear_constraints=constraints(rows), **TIGHT,
    )  # fmt: skip
    X = np.column_stack([A, C == "q", C == "r", np.ones(N)]).astype(float)
    sign = np.where(Y > 0, 1.0, -1.0)
    want = minimize(
        lambda t: np.logaddexp(0, -sign * (X @ t)).mean(), np.zeros(4), method="SLSQP", tol=1e-13,
        constraints=[{"type": "ineq", "fun": lambda t: 0.4 - t[0] - t[2]}],
    ).x  # fmt: skip
    np.testing.assert_allclose(beta_of(model, "a", "c.q", "c.r"), want, atol=1e-4)
    assert want[0] + want[2] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 1, "Equal", 0)], "at least two coefficients"),
        ([("a", 1, "Equal", 0), ("z", 1, "Equal", 0)], "not a valid coefficient name"),
        ([("a", 1, "Equal", 0), ("b", 1, "LessThanEqual", 0)], "must be the same"),
        ([(n, v, "Equal", k) for k, v in ((0, 1), (1, 2)) for n in "ab"], "redundant"),
    ],
)
def test_wrong_constraints_are_named(engine: Engine, rows: list, message: str) -> None:
    key = constraints(rows)
    with pytest.raises(DH2OError, match=message):
        train(
            engine, store("glm", COLUMNS), "y", ["a", "b"], lambda_=0.0, solver="IRLSM",
            linear_constraints=key,
        )  # fmt: skip


def test_inflation_is_one_over_one_minus_r2(engine: Engine) -> None:
    near = A + 0.1 * B + 0.2 * np.sin(np.arange(N))
    frame = store("glm", {**COLUMNS, "near": near}, 3)
    model = train(
        engine, frame, "y", ["a", "b", "c", "near"], lambda_=0.0,
        generate_variable_inflation_factors=True,
    )  # fmt: skip
    X = np.column_stack([B, C == "q", C == "r", near, np.ones(N)]).astype(float)
    rest = A - X @ np.linalg.lstsq(X, A, rcond=None)[0]
    want = ((A - A.mean()) ** 2).sum() / (rest**2).sum()
    known = dict(
        zip(
            model.output.extra["vif_predictor_names"],
            model.output.extra["variable_inflation_factors"],
            strict=True,
        )
    )
    assert known["a"] == pytest.approx(want, rel=1e-9)


def test_control_variables_count_in_training_only(engine: Engine) -> None:
    frame = store("glm", COLUMNS, 2)
    x = ["a", "b", "c"]
    plain = train(engine, frame, "late", x, lambda_=0.0, offset_column="off")
    muted = train(
        engine, frame, "late", x, lambda_=0.0, offset_column="off", control_variables=["c", "a"],
        remove_offset_effects=True,
    )  # fmt: skip
    assert plain.coefficients() == muted.coefficients()
    assert (muted.scoring_beta != 0).sum() == 2
    table = muted.output.variable_importances
    assert table is not None
    sizes = dict(zip(table["variable"], table["relative_importance"], strict=True))
    assert {name for name, size in sizes.items() if size} == {"b"}
    eta = beta_of(plain, "b") @ [B, np.ones(N)]
    p = predict_frame(muted, frame).rows(0, N).floats("p1")
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-eta)), rtol=1e-12)
    again = dataclasses.replace(muted, muted=(), mutes_offset=False)
    one, two = (predict_frame(m, frame).rows(0, N).floats("p1") for m in (plain, again))
    np.testing.assert_array_equal(one, two)


def test_a_checkpoint_goes_on_where_the_other_stopped(engine: Engine) -> None:
    frame = store("glm", COLUMNS, 2)
    x, how = ["a", "b", "c"], {"lambda_": 0.0, "solver": "IRLSM", **TIGHT}
    first = train(engine, frame, "late", x, max_iterations=2, **how)
    second = train(engine, frame, "late", x, checkpoint=first.key, **how)
    whole = train(engine, frame, "late", x, **how)
    np.testing.assert_allclose(second.beta, whole.beta, rtol=1e-8)
    n = second.output.model_summary["number_of_iterations"][0]
    assert n < whole.output.model_summary["number_of_iterations"][0]
