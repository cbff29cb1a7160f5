"""Algorithms: declared parameters, the loop of passes, and the estimators users call."""
