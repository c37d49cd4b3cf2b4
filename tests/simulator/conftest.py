"""One bank of moderate size for every test that only looks."""

import pytest

from riskwave.simulator import SimulatedBank, simulate


@pytest.fixture(scope="session")
def bank() -> SimulatedBank:
    """60,000 payments in arrival order, with every kind of disorder."""
    return simulate(60_000, 7, duplicates=0.01, late=0.02, out_of_order=0.03, malformed=0.005)


@pytest.fixture(scope="session")
def tidy_bank() -> SimulatedBank:
    """60,000 payments in event order."""
    return simulate(60_000, 11)
