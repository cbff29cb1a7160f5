"""The parameters of deep learning, in H2O's order and with its defaults."""

# ruff: noqa: E501  (one parameter, one line: the table reads as a table)
from __future__ import annotations

from dh2o.estimators.building.shared_params import DISTRIBUTIONS, shared, shared_group
from dh2o.estimators.params import Param, ParamTable

__all__ = ["ACTIVATIONS", "PARAMS"]

ACTIVATIONS = (
    "Tanh", "TanhWithDropout", "Rectifier", "RectifierWithDropout", "Maxout", "MaxoutWithDropout",
    "ExpRectifier", "ExpRectifierWithDropout",
)  # fmt: skip
_LOSSES = (
    "Automatic",
    "CrossEntropy",
    "Quadratic",
    "Huber",
    "Absolute",
    "Quantile",
    "ModifiedHuber",
)
_DISTRIBUTIONS = tuple(d for d in DISTRIBUTIONS if d not in ("ordinal", "quasibinomial", "custom"))
_FLOAT_MAX = 3.4028235e38

PARAMS = ParamTable(
    "deeplearning",
    (
        *shared_group(
            "model_id", "training_frame", "validation_frame", "nfolds",
            "keep_cross_validation_models", "keep_cross_validation_predictions",
            "keep_cross_validation_fold_assignment", "fold_assignment", "fold_column",
            "response_column", "ignored_columns", "ignore_const_cols", "score_each_iteration",
            "weights_column", "offset_column", "balance_classes", "class_sampling_factors",
            "max_after_balance_size", "max_confusion_matrix_size", "checkpoint",
        ),
        Param("pretrained_autoencoder", "Key<Model>", None, "Autoencoder whose hidden layers the network starts with.", level="expert"),
        Param("overwrite_with_best_model", "boolean", True, "Keep the best network that was measured instead of the last one.", level="expert", gridable=True),
        Param("use_all_factor_levels", "boolean", True, "Give the first level of each categorical a unit as well.", gridable=True),
        shared("standardize"),
        Param("activation", "enum", "Rectifier", "Activation of the hidden layers.", values=ACTIVATIONS, level="critical", gridable=True),
        Param("hidden", "int[]", (200, 200), "Units of each hidden layer.", low=1, level="critical", gridable=True),
        Param("epochs", "double", 10.0, "How often the training rows are gone through; fractions count.", low=0, level="critical", gridable=True),
        Param("train_samples_per_iteration", "long", -2, "Rows between two averagings over workers: 0 one epoch, -1 all rows of all workers, -2 chosen by dh2o.", low=-2, gridable=True),
        Param("target_ratio_comm_to_comp", "double", 0.05, "Accepted for compatibility.", level="expert", gridable=True),
        shared("seed"),
        Param("adaptive_rate", "boolean", True, "ADADELTA (Zeiler 2012).", gridable=True),
        Param("rho", "double", 0.99, "How slowly ADADELTA forgets.", low=0, high=1, open_low=True, open_high=True, gridable=True),
        Param("epsilon", "double", 1e-8, "Smoothing term of ADADELTA: larger values start faster.", low=0, open_low=True, gridable=True),
        Param("rate", "double", 0.005, "Learning rate without adaptive_rate.", low=0, open_low=True, gridable=True),
        Param("rate_annealing", "double", 1e-6, "rate / (1 + rate_annealing * samples).", low=0, gridable=True),
        Param("rate_decay", "double", 1.0, "Factor of the rate from layer to layer.", low=0, level="expert", gridable=True),
        Param("momentum_start", "double", 0.0, "Momentum at the start.", low=0, high=1, open_high=True, gridable=True),
        Param("momentum_ramp", "double", 1e6, "Samples over which momentum goes from start to stable.", low=0, gridable=True),
        Param("momentum_stable", "double", 0.0, "Momentum after the ramp.", low=0, high=1, open_high=True, gridable=True),
        Param("nesterov_accelerated_gradient", "boolean", True, "Nesterov's form of momentum.", level="expert", gridable=True),
        Param("input_dropout_ratio", "double", 0.0, "Share of inputs left out of each row.", low=0, high=1, open_high=True, gridable=True),
        Param("hidden_dropout_ratios", "double[]", None, "Share of units left out in each hidden layer; 0.5 for activations with dropout.", low=0, high=1, open_high=True, gridable=True),
        Param("l1", "double", 0.0, "Lasso penalty of the weights.", low=0, gridable=True),
        Param("l2", "double", 0.0, "Ridge penalty of the weights.", low=0, gridable=True),
        Param("max_w2", "float", _FLOAT_MAX, "Largest squared sum of a unit's incoming weights.", low=0, open_low=True, level="expert", gridable=True),
        Param("initial_weight_distribution", "enum", "UniformAdaptive", "Where weights start.", values=("UniformAdaptive", "Uniform", "Normal"), level="expert", gridable=True),
        Param("initial_weight_scale", "double", 1.0, "Half width (Uniform) or standard deviation (Normal) of the first weights.", low=0, level="expert", gridable=True),
        Param("initial_weights", "Key<Frame>[]", None, "Frames with the first weights, one a layer.", level="expert"),
        Param("initial_biases", "Key<Frame>[]", None, "Frames with the first biases, one a layer.", level="expert"),
        Param("loss", "enum", "Automatic", "Loss function.", values=_LOSSES, supported=_LOSSES[:-1], gridable=True),
        shared("distribution", values=_DISTRIBUTIONS),
        *shared_group("quantile_alpha", "tweedie_power", "huber_alpha"),
        Param("score_interval", "double", 5.0, "Seconds between measurements.", low=0, gridable=True),
        Param("score_training_samples", "long", 10_000, "Training rows to measure on; 0 for all.", low=0, gridable=True),
        Param("score_validation_samples", "long", 0, "Validation rows to measure on; 0 for all.", low=0, gridable=True),
        Param("score_duty_cycle", "double", 0.1, "Largest share of the time that measuring may take.", low=0, high=1, level="expert", gridable=True),
        Param("classification_stop", "double", 0.0, "Stop at this classification error; -1 never.", low=-1, high=1, level="expert", gridable=True),
        Param("regression_stop", "double", 1e-6, "Stop at this mean squared error; -1 never.", low=-1, level="expert", gridable=True),
        shared("stopping_rounds", default=5),
        shared("stopping_metric"),
        shared("stopping_tolerance", default=0.0),
        shared("max_runtime_secs"),
        Param("score_validation_sampling", "enum", "Uniform", "Accepted for compatibility: validation rows are sampled uniformly.", values=("Uniform", "Stratified"), level="expert", gridable=True),
        Param("diagnostics", "boolean", True, "Accepted for compatibility: the summary has the layers' statistics.", level="expert"),
        Param("fast_mode", "boolean", True, "Accepted for compatibility: weights of silent units are never updated.", level="expert", gridable=True),
        Param("force_load_balance", "boolean", True, "Accepted for compatibility: the layout depends on the data alone.", level="expert", gridable=True),
        Param("variable_importances", "boolean", True, "Compute the importance of the inputs (Gedeon 1997).", gridable=True),
        Param("replicate_training_data", "boolean", True, "Accepted for compatibility: each worker learns from its own rows.", level="expert", gridable=True),
        Param("single_node_mode", "boolean", False, "Learn on one worker, from all rows.", level="expert", gridable=True),
        Param("shuffle_training_data", "boolean", False, "Accepted for compatibility: rows are always shuffled.", level="expert", gridable=True),
        Param("missing_values_handling", "enum", "MeanImputation", "What is done with NA among the predictors.", values=("MeanImputation", "Skip"), level="expert", gridable=True),
        Param("quiet_mode", "boolean", False, "Accepted for compatibility.", level="expert", gridable=True),
        Param("autoencoder", "boolean", False, "Learn to reproduce the inputs.", level="expert"),
        Param("sparse", "boolean", False, "Scale numbers without shifting them, so that zeros stay zeros.", level="expert", gridable=True),
        Param("col_major", "boolean", False, "Accepted for compatibility.", level="expert", gridable=True),
        Param("average_activation", "double", 0.0, "Activation that the sparsity penalty aims at.", level="expert", gridable=True),
        Param("sparsity_beta", "double", 0.0, "Strength of an autoencoder's sparsity penalty.", low=0, level="expert", gridable=True),
        Param("max_categorical_features", "int", 2147483647, "Most units of categoricals: if they have more levels, levels share units by a hash.", low=1, level="expert", gridable=True),
        Param("reproducible", "boolean", False, "Same network on any number of workers: learns on one thread, from all rows.", level="expert", gridable=True),
        Param("export_weights_and_biases", "boolean", False, "Keep weights and biases as frames."),
        Param("mini_batch_size", "int", 1, "Rows whose gradients are averaged; small values are batched for speed without averaging.", low=1, level="expert", gridable=True),
        shared("categorical_encoding"),
        Param("elastic_averaging", "boolean", False, "Workers keep networks of their own, pulled to the average of all (Zhang et al. 2014).", level="expert", gridable=True),
        Param("elastic_averaging_moving_rate", "double", 0.9, "Weight of an iteration's average in the network that elastic averaging returns.", low=0, high=1, level="expert", gridable=True),
        Param("elastic_averaging_regularization", "double", 0.001, "How strongly elastic averaging pulls weights to the average.", low=0, level="expert", gridable=True),
        *shared_group("export_checkpoints_dir", "auc_type", "custom_metric_func", "gainslift_bins"),
    ),
)  # fmt: skip
