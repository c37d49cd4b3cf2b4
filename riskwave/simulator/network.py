"""Where online payments come from: homes, carriers with thousands behind one address, offices, VPN exits.

Addresses are numbers here. Their texts come from ranges that belong to nobody (RFC 1918, 2544, 6598).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskwave.simulator.draws import Ints
from riskwave.simulator.world import world

_VPN_EXITS = 24
_OFFICES = 6  # addresses shared by visitors and colleagues, a city
_CARDS_AN_OFFICE = 400
_CARDS_A_CARRIER_ADDRESS = 3000


@dataclass(frozen=True)
class Network:
    """Numbering of the addresses: VPN exits, then carriers, then offices, then homes."""

    carrier_width: int  # carrier addresses a country
    office_width: int  # office and public addresses a city

    @property
    def carrier_start(self) -> int:
        """First carrier address."""
        return _VPN_EXITS

    @property
    def office_start(self) -> int:
        """First office address."""
        return self.carrier_start + self.carrier_width * len(world().country)

    @property
    def home_start(self) -> int:
        """First home address."""
        return self.office_start + self.office_width * len(world().city)

    def vpn(self, u: NDArray[np.float64]) -> Ints:
        """VPN exits; a few carry most."""
        return (u * u * _VPN_EXITS).astype(np.int64)

    def vpn_city(self, address: NDArray[np.integer]) -> Ints:
        """City where a VPN exit stands."""
        return np.asarray(address * 7 % len(world().city), np.int64)

    def carrier(self, country: NDArray[np.integer], u: NDArray[np.float64]) -> Ints:
        """A carrier's shared address in these countries."""
        first = self.carrier_start + country * self.carrier_width
        return np.asarray(first + (u * self.carrier_width).astype(np.int64), np.int64)

    def office(self, city: NDArray[np.integer], u: NDArray[np.float64]) -> Ints:
        """An office or public network in these cities."""
        first = self.office_start + city * self.office_width
        return np.asarray(first + (u * self.office_width).astype(np.int64), np.int64)

    def home(self, family: NDArray[np.integer], day: NDArray[np.integer]) -> Ints:
        """A family's address; providers give a new one every 16 days."""
        return np.asarray(self.home_start + family * 8 + (day + family) // 16 % 8, np.int64)


def build_network(cards: int) -> Network:
    """Addresses for a bank of `cards` cards."""
    cities = len(world().city)
    return Network(
        carrier_width=2 + cards // (_CARDS_A_CARRIER_ADDRESS * 4),
        office_width=_OFFICES + cards // (_CARDS_AN_OFFICE * cities),
    )


def address_parts(address: Ints, network: Network) -> tuple[Ints, Ints, Ints, Ints]:
    """The four numbers of each address's IPv4 text."""
    vpn, carrier = address < network.carrier_start, address < network.office_start
    office = address < network.home_start
    local = np.where(
        vpn,
        address,
        np.where(
            carrier,
            address - network.carrier_start,
            address - np.where(office, network.office_start, network.home_start),
        ),
    )
    # 198.18/15 VPN exits, 100.64/10 carriers (RFC 6598 made it for them), 172.16/12 offices, 10/8 homes
    a = np.where(vpn, 198, np.where(carrier, 100, np.where(office, 172, 10)))
    b = np.where(vpn, 18, np.where(carrier, 64, np.where(office, 16, 0))) + (local >> 16)
    return a, b, local >> 8 & 255, local & 255
