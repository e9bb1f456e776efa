"""The version, under all floors: what is remembered from run to run is of one version."""

__version__ = "0.1.0"
