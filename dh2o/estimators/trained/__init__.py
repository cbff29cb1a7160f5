"""What users ask a trained estimator: metrics, plots, files, scikit-learn's methods."""
