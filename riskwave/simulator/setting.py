"""Where everything happens: the people, merchants and networks of one bank, its seed and its time."""

from dataclasses import dataclass

from riskwave.simulator.draws import DAY_S, MICROS
from riskwave.simulator.merchants import Merchants, open_merchants
from riskwave.simulator.network import Network, build_network
from riskwave.simulator.population import Population, populate


@dataclass(frozen=True)
class Setting:
    """Times are microseconds since 1970, UTC; start is a midnight."""

    people: Population
    merchants: Merchants
    network: Network
    seed: int
    start: int

    @property
    def end(self) -> int:
        """First moment after the last day."""
        return self.start + self.people.days * DAY_S * MICROS


def build(cards: int, days: int, seed: int, start: int) -> Setting:
    """The setting for a bank of `cards` cards over `days` days."""
    return Setting(populate(cards, days, seed), open_merchants(cards, seed), build_network(cards), seed, start)
