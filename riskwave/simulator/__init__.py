"""A simulated bank: payments of legitimate life, labelled attacks, and the mess of real arrivals."""

from riskwave.simulator.bank import START_US, SimulatedBank, simulate

__all__ = ["START_US", "SimulatedBank", "simulate"]
