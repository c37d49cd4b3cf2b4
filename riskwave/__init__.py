"""Riskwave: real-time risk decisions in SQL, the same on a stream, over history and in a request."""

__version__ = "0.1.0"
