"""Explanations of models on stored frames: passes over blocks, plots, trees to look at."""
