"""From columns of numbers to the contract's table of transactions."""

import numpy as np
import pyarrow as pa

from riskwave.contracts import Transaction, arrow_schema
from riskwave.simulator.arrow import Column
from riskwave.simulator.categories import categories
from riskwave.simulator.devices import DeviceNumbers
from riskwave.simulator.draws import Ints, unit_hash
from riskwave.simulator.events import (
    AVSS,
    CHANNELS,
    CVMS,
    CVVS,
    ENTRIES,
    MESSAGES,
    RESPONSES,
    THREE_DS,
    TYPES,
    WALLETS,
    Events,
)
from riskwave.simulator.money import amounts
from riskwave.simulator.network import address_parts
from riskwave.simulator.population import BINS
from riskwave.simulator.setting import Setting
from riskwave.simulator.texts import dotted, numbered, words
from riskwave.simulator.world import world

#: EMV 3DS and scheme practice: fully authenticated 05, attempted 06, otherwise 07.
_ECI_OF = (0, 2, 1, 2, 2, 2)
_SURNAMES = (
    "Rossi", "Garcia", "Müller", "Novak", "Silva", "Janssen", "Kowalski", "Dubois", "Andersson", "Murphy",
    "Papadopoulos", "Horvat", "Schmidt", "Moreau", "Bakker", "Costa", "Weber", "Romano", "Fischer", "Lopez",
    "Martin", "Wagner", "Bianchi", "Peeters", "Santos", "Byrne",
)  # fmt: skip
EVENT_DIGITS = 10


def event_ids(numbers: Ints) -> Column:
    """Ids of events by their place in event time."""
    return numbered("e", numbers, EVENT_DIGITS)


def card_ids(numbers: Ints) -> Column:
    """PAN tokens of cards."""
    return numbered("c", numbers, 7)


def transactions(events: Events, setting: Setting, devices: DeviceNumbers, *, first: int = 0) -> pa.Table:
    """The table of the transaction contract, rows as in `events`: by time, numbered by place from `first` on."""
    w, c = world(), categories()
    people, merchants = setting.people, setting.merchants
    card, merchant = events["card"], events["merchant"]
    money = amounts(events, setting)
    card_number = np.arange(len(people))
    country = w.city_country[merchants.city]
    # one online merchant in eight is paid through an acquirer of another country
    elsewhere = merchants.is_online & (unit_hash(np.arange(len(merchants)), 41) < 0.12)
    hub = np.array([w.country.index(code) for code in ("IE", "LU", "NL", "GB")])
    acquirer_country = np.where(elsewhere, hub[merchants.acquirer - 1], country)
    acquirer = pa.array(
        [f"{w.country[k]}{n:04d}" for k, n in zip(acquirer_country, merchants.acquirer, strict=True)],
        pa.string(),
    )
    names = pa.array(
        [f"{c.trade[k]} {_SURNAMES[n * 7919 % len(_SURNAMES)]}" for n, k in enumerate(merchants.category.tolist())],
        pa.string(),
    )
    merchant_id = numbered("m", np.arange(len(merchants)), 7)
    address, where = np.unique(events["ip"], return_inverse=True)
    known = address[address >= 0].astype(np.int64)
    ip = dotted(address_parts(known, setting.network)).cast(pa.string())
    expiry = pa.array([f"{26 + n // 12:02d}{n % 12 + 1:02d}" for n in range(60)], pa.string())
    eci = np.where(events["three_ds"] >= 0, np.array(_ECI_OF)[events["three_ds"]], -1)
    schema = arrow_schema(Transaction)
    local = events["ts"] + w.utc_offset_s[merchants.city[merchant]] * 1_000_000
    columns = {
        "event_id": event_ids(first + np.arange(len(events))),
        "event_ts": pa.array(events["ts"]).cast(pa.timestamp("us")),
        "transmitted_ts": pa.nulls(len(events), pa.timestamp("us")),
        "local_ts": pa.array(local).cast(pa.timestamp("us")),
        "message_type": words(MESSAGES, events["message"]),
        "transaction_type": words(TYPES, events["type"]),
        "channel": words(CHANNELS, events["channel"]),
        "card_id": words(card_ids(card_number), card),
        "account_id": words(numbered("a", card_number, 7), card),
        "customer_id": words(numbered("u", people.customer, 7), card),
        "bin": words([b[0] for b in BINS], people.bin[card]),
        "card_scheme": words([b[1] for b in BINS], people.bin[card]),
        "card_expiry": words(expiry, people.expiry[card]),
        "amount_minor": pa.array(money.minor),
        "currency": words(w.currency, money.currency),
        "billing_amount_minor": pa.array(money.billed),
        "billing_currency": words(w.currency, money.billing_currency),
        "entry_mode": words(ENTRIES, events["entry"]),
        "cardholder_verification": words(CVMS, events["cvm"]),
        "cvv_result": words(CVVS, events["cvv"]),
        "avs_result": words(AVSS, events["avs"]),
        "mcc": words(c.mcc, merchants.category[merchant]),
        "merchant_id": words(merchant_id, merchant),
        "merchant_name": words(names, merchant),
        "merchant_city": words(w.city, merchants.city[merchant]),
        "merchant_country": words(w.country, country[merchant]),
        "terminal_id": numbered("t", merchant.astype(np.int64) * 100 + events["terminal"] % 100, 9),
        "acquirer_id": words(acquirer, merchant),
        "acquirer_country": words(w.country, acquirer_country[merchant]),
        "latitude": pa.array(np.round(events["latitude"], 5)),
        "longitude": pa.array(np.round(events["longitude"], 5)),
        "ip": words(ip, np.where(events["ip"] >= 0, where - int((address < 0).sum()), -1)),
        "device_id": words(devices.ids, devices.place_of(events["device"])),
        "wallet": words(WALLETS, events["wallet"]),
        "response_code": words(RESPONSES, events["response"]),
        "three_ds_status": words(THREE_DS, events["three_ds"]),
        "three_ds_eci": words(("05", "06", "07"), eci),
        "is_recurring": pa.array(events["recurring"]),
        "original_event_id": _originals(events["original"]),
    }
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def transmitted(table: pa.Table, made: Ints, sent: Ints) -> pa.Table:
    """The table with transmitted_ts where a payment's message was sent later than it was made (microseconds)."""
    place = table.schema.get_field_index("transmitted_ts")
    column = pa.array(sent, mask=sent <= made).cast(pa.timestamp("us"))
    return table.set_column(place, table.schema.field(place), column)


def _originals(original: Ints) -> Column:
    some = np.flatnonzero(original >= 0)
    place = np.full(len(original), -1, np.int64)
    place[some] = np.arange(len(some))
    return words(event_ids(original[some]), place)
