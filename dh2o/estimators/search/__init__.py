"""Grids of models: combinations, their files, their ranking."""
