"""Is the simulated bank a game set up to be won? Per scenario, how far any single feature goes."""

from riskwave.simulator.report.report import AUC_LIMIT, Line, report

__all__ = ["AUC_LIMIT", "Line", "report"]
