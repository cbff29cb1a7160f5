"""The parameters of GLM, in H2O's order and with H2O's defaults."""
# ruff: noqa: E501 - a table reads best with one parameter a line

from __future__ import annotations

from dh2o.estimators.building.shared_params import shared, shared_group
from dh2o.estimators.params import Param, ParamTable

FAMILY_NAMES = (
    "AUTO", "gaussian", "binomial", "fractionalbinomial", "quasibinomial", "ordinal",
    "multinomial", "poisson", "gamma", "tweedie", "negativebinomial",
)  # fmt: skip
SOLVERS = (
    "AUTO", "IRLSM", "L_BFGS", "COORDINATE_DESCENT_NAIVE", "COORDINATE_DESCENT",
    "GRADIENT_DESCENT_LH", "GRADIENT_DESCENT_SQERR",
)  # fmt: skip
LINKS = ("family_default", "identity", "logit", "log", "inverse", "tweedie", "ologit")

PARAMS = ParamTable(
    "glm",
    (
        *shared_group("model_id", "training_frame", "validation_frame", "nfolds"),
        shared("checkpoint"),
        *shared_group(
            "export_checkpoints_dir", "seed", "keep_cross_validation_models",
            "keep_cross_validation_predictions", "keep_cross_validation_fold_assignment",
        ),
        shared("fold_assignment", gridable=True),
        shared("fold_column", gridable=True),
        *shared_group(
            "response_column", "ignored_columns", "ignore_const_cols", "score_each_iteration"
        ),
        Param("score_iteration_interval", "int", -1, "Measure the model every so many iterations; -1 for the end only."),
        shared("offset_column", gridable=True),
        shared("weights_column", gridable=True),
        Param("family", "enum", "AUTO", "Distribution of the response; AUTO is binomial for two classes, gaussian for numbers.", values=FAMILY_NAMES, level="critical"),
        Param("tweedie_variance_power", "double", 0.0, "Power of the mean in the Tweedie variance.", level="critical", gridable=True),
        Param("tweedie_link_power", "double", 1.0, "Power of the Tweedie link; 0 is the logarithm.", level="critical", gridable=True),
        Param("theta", "double", 1e-10, "Dispersion of the negative binomial: variance = mu + theta mu^2.", low=0, open_low=True, level="critical", gridable=True),
        Param("solver", "enum", "AUTO", "How the penalised least squares problem of each step is solved.", values=SOLVERS, level="critical"),
        Param("alpha", "double[]", None, "Share of the L1 penalty: 1 is the lasso, 0 ridge. 0.5 if not given (0 for L_BFGS).", low=0, high=1, level="critical", gridable=True),
        Param("lambda", "double[]", None, "Strength of the penalty; chosen from the data if not given.", low=0, level="critical", gridable=True),
        Param("lambda_search", "boolean", False, "Solve for a falling series of lambdas and keep the best.", level="critical"),
        Param("early_stopping", "boolean", True, "End a lambda search when the fit no longer improves."),
        Param("nlambdas", "int", -1, "Number of lambdas of a search; -1 for 100 (30 if alpha is 0).", level="critical"),
        shared("standardize", level="critical", gridable=True),
        Param("missing_values_handling", "enum", "MeanImputation", "What stands in for NA: mean and commonest level, nothing (the row is left out), or given values.", values=("MeanImputation", "Skip", "PlugValues"), level="expert", gridable=True),
        Param("plug_values", "Key<Frame>", None, "Frame of one row with the values that stand in for NA."),
        Param("compute_p_values", "boolean", False, "Compute standard errors, z values and p-values; needs lambda 0."),
        Param("dispersion_parameter_method", "enum", "pearson", "How the dispersion is estimated.", values=("deviance", "pearson", "ml")),
        Param("init_dispersion_parameter", "double", 1.0, "Dispersion of the families that do not estimate it.", low=0, open_low=True, level="expert", gridable=True),
        Param("remove_collinear_columns", "boolean", False, "Leave out columns that the others determine."),
        Param("intercept", "boolean", True, "Include a constant term.", level="expert"),
        Param("non_negative", "boolean", False, "Keep coefficients (not the intercept) from being negative."),
        shared("max_iterations", default=-1, doc="Largest number of iterations; -1 for 50 (10 per lambda of a search)."),
        Param("objective_epsilon", "double", -1.0, "Converged if the objective improves relatively by less; -1 for 1e-4 (1e-6 without penalty).", level="expert"),
        Param("beta_epsilon", "double", 1e-4, "Converged if no coefficient changes by more.", level="expert"),
        Param("gradient_epsilon", "double", -1.0, "Tolerance of the gradient; only L_BFGS uses it.", level="expert"),
        Param("link", "enum", "family_default", "Link between mean and linear predictor.", values=LINKS),
        Param("startval", "double[]", None, "Coefficients to start from, the intercept last.", gridable=True),
        Param("calc_like", "boolean", False, "Compute the full likelihood."),
        Param("prior", "double", -1.0, "Probability of class 1 where the data were sampled; corrects the intercept.", level="expert"),
        Param("cold_start", "boolean", False, "Start each lambda from scratch instead of from the last solution.", level="critical"),
        Param("lambda_min_ratio", "double", -1.0, "Smallest lambda of a search as a share of the largest; -1 for 1e-4 (1e-2 with few rows).", level="expert"),
        Param("beta_constraints", "Key<Frame>", None, "Frame of bounds: names, lower_bounds, upper_bounds."),
        Param("max_active_predictors", "int", -1, "Stop a lambda search beyond so many active predictors.", level="expert"),
        Param("interactions", "string[]", None, "Columns whose pairwise products are added.", level="expert"),
        Param("interaction_pairs", "StringPair[]", None, "Pairs of columns whose products are added.", level="expert"),
        Param("obj_reg", "double", -1.0, "Factor of the likelihood in the objective; -1 for 1 / total weight."),
        shared("stopping_rounds"),
        shared("stopping_metric"),
        shared("stopping_tolerance"),
        Param("control_variables", "string[]", None, "Columns to train with and leave out of scoring.", level="expert"),
        Param("remove_offset_effects", "boolean", False, "Leave the offset out of scoring.", level="expert"),
        shared("balance_classes", implemented=False),
        shared("class_sampling_factors", implemented=False),
        shared("max_after_balance_size"),
        *shared_group("max_confusion_matrix_size", "max_runtime_secs", "custom_metric_func"),
        Param("generate_scoring_history", "boolean", False, "Record deviances in the scoring history."),
        *shared_group("auc_type"),
        Param("dispersion_epsilon", "double", 1e-4, "Tolerance of the dispersion estimate by maximum likelihood.", low=0, level="expert"),
        Param("tweedie_epsilon", "double", 8e-17, "Tolerance of the Tweedie density series.", low=0, open_low=True, level="expert"),
        Param("max_iterations_dispersion", "int", 3000, "Iterations of the dispersion estimate by maximum likelihood.", level="expert"),
        Param("build_null_model", "boolean", False, "Build a model of the intercept alone.", level="expert"),
        Param("fix_dispersion_parameter", "boolean", False, "Take init_dispersion_parameter as the dispersion.", level="expert"),
        Param("generate_variable_inflation_factors", "boolean", False, "Compute variance inflation factors.", level="expert"),
        Param("fix_tweedie_variance_power", "boolean", True, "Keep the Tweedie variance power as given.", implemented=False),
        Param("dispersion_learning_rate", "double", 0.5, "Step of the Tweedie dispersion estimate.", level="expert", gridable=True),
        Param("influence", "enum", None, "Compute regression influence diagnostics.", values=("dfbetas",), level="expert"),
        shared("gainslift_bins"),
        Param("linear_constraints", "Key<Frame>", None, "Frame of linear constraints."),
        Param("init_optimal_glm", "boolean", False, "Start a constrained fit from the unconstrained one.", gridable=True),
        Param("separate_linear_beta", "boolean", False, "Treat bounds and linear constraints apart.", gridable=True),
        Param("constraint_eta0", "double", 0.1258925, "Constant of the constrained fit.", gridable=True),
        Param("constraint_tau", "double", 10.0, "Constant of the constrained fit.", gridable=True),
        Param("constraint_alpha", "double", 0.1, "Constant of the constrained fit.", gridable=True),
        Param("constraint_beta", "double", 0.9, "Constant of the constrained fit.", gridable=True),
        Param("constraint_c0", "double", 10.0, "Constant of the constrained fit.", gridable=True),
    ),
)  # fmt: skip
