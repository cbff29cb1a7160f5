"""The tree engine: rows binned once, exact integer histograms, splits level by level."""
