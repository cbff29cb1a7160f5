"""The version of dh2o, in the one place that needs no other import."""

__version__ = "0.1.0"
