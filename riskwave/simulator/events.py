"""Payments as columns of small numbers: what every part of the simulator makes, until they become Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]

#: Words behind the small numbers, in order. They are the contract's own.
TYPES = ("purchase", "cash_withdrawal", "refund", "transfer", "account_verification")
CHANNELS = ("card_present", "ecommerce", "transfer", "cash")
MESSAGES = ("0100", "0200", "0400")
ENTRIES = ("chip", "contactless", "magstripe", "manual", "ecommerce", "credential_on_file")
CVMS = ("pin", "signature", "device", "none", "pin_failed")
CVVS = ("match", "no_match", "not_provided")
AVSS = ("match", "partial", "no_match", "not_checked")
WALLETS = ("none", "apple_pay", "google_pay")
RESPONSES = ("00", "05", "14", "51", "54", "55", "61", "65", "91", "N7")
THREE_DS = ("Y", "N", "A", "U", "C", "R")
SCENARIOS = (
    "card_testing",
    "account_takeover",
    "lost_card_drain",
    "impossible_travel",
    "counterfeit",
    "device_farm",
    "merchant_bust_out",
    "cross_border_large",
    "refund_abuse",
    "skimmed_terminal",
)
#: Happens only where a drift brings it.
NEW_SCENARIO = "wallet_provisioning"
ALL_SCENARIOS = (*SCENARIOS, NEW_SCENARIO)

#: Column, its type, its value where an event does not say otherwise. -1 means none.
COLUMNS: dict[str, tuple[type[np.generic], float]] = {
    "ts": (np.int64, 0),  # microseconds since 1970, UTC
    "card": (np.int32, 0),
    "type": (np.int8, 0),
    "channel": (np.int8, 0),
    "message": (np.int8, 0),
    "merchant": (np.int32, 0),
    "terminal": (np.int16, 0),
    "eur": (np.float64, 0),  # euros; the amount in the merchant's and the card's money follows from it
    "entry": (np.int8, 0),
    "cvm": (np.int8, CVMS.index("none")),
    "cvv": (np.int8, CVVS.index("not_provided")),
    "avs": (np.int8, AVSS.index("not_checked")),
    "latitude": (np.float64, np.nan),
    "longitude": (np.float64, np.nan),
    "ip": (np.int32, -1),
    "device": (np.int32, -1),
    "wallet": (np.int8, 0),
    "response": (np.int8, 0),
    "three_ds": (np.int8, -1),
    "recurring": (np.bool_, 0),
    "original": (np.int64, -1),  # position of the event refunded or reversed
    "episode": (np.int32, -1),
    "scenario": (np.int8, -1),
}


@dataclass
class Events:
    """Equally long columns, named and typed as in COLUMNS."""

    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(self.columns["ts"])

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __setitem__(self, name: str, values: object) -> None:
        self.columns[name] = np.broadcast_to(np.asarray(values, COLUMNS[name][0]), len(self)).copy()

    @classmethod
    def make(cls, rows: int, given: Mapping[str, object]) -> Events:
        """Columns of `rows` events from those given (arrays or single values); the rest gets its default."""
        columns = {}
        for name, (kind, default) in COLUMNS.items():
            columns[name] = np.broadcast_to(np.asarray(given.get(name, default), kind), rows).copy()
        return cls(columns)

    def take(self, rows: Column) -> Events:
        """The events at these positions (or where this mask holds), in that order."""
        return Events({name: values[rows] for name, values in self.columns.items()})

    @staticmethod
    def concat(parts: Iterable[Events]) -> Events:
        """All events of all parts. `original` must already point into the whole."""
        every = list(parts)
        return Events({name: np.concatenate([p.columns[name] for p in every]) for name in COLUMNS})
