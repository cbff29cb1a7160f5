"""Cross-validation: folds, a model for each, and what they say of the rows they did not see."""
