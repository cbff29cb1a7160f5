"""What explains a trained model: kernels over its trees, without Dask.

`walk` tells which way rows go, `leaves` where they end; `shap` has the exact Shapley values,
`background` those against reference rows, `raw_score` what they add up to.
"""
