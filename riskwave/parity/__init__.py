"""Whether two runs of the same events know and decide the same, event by event and column by column."""

from riskwave.parity.compare import compare
from riskwave.parity.report import Column, Example, OneSided, Report

__all__ = ["Column", "Example", "OneSided", "Report", "compare"]
