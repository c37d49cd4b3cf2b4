"""The contracts of the streams: what a payment, a profile, a device, a label and a decision are."""

from riskwave.contracts.card_profile import CardProfile
from riskwave.contracts.decision import Decision
from riskwave.contracts.device import Device
from riskwave.contracts.fields import Contract
from riskwave.contracts.label import Label
from riskwave.contracts.schema import arrow_schema, json_schema, write_json_schemas
from riskwave.contracts.transaction import Transaction

#: Every contract by the name it goes by in paths and docs.
CONTRACTS: dict[str, type[Contract]] = {
    "transaction": Transaction,
    "card_profile": CardProfile,
    "device": Device,
    "label": Label,
    "decision": Decision,
}

__all__ = [
    "CONTRACTS",
    "CardProfile",
    "Contract",
    "Decision",
    "Device",
    "Label",
    "Transaction",
    "arrow_schema",
    "json_schema",
    "write_json_schemas",
]
