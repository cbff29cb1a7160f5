"""dh2o: H2O-3 rebuilt for Dask."""

__version__ = "0.1.0"
