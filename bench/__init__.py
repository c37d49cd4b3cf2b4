"""Measurements of this checkout: `python -m bench`."""
