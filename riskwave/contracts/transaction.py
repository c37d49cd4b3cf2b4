"""One authorisation message (or reversal, refund, transfer) as the issuer sees it."""

from typing import Literal

from riskwave.contracts.fields import (
    COUNTED,
    COUNTRY,
    CURRENCY,
    IDENTIFIER,
    LATITUDE,
    LONGITUDE,
    Contract,
    LocalTimestamp,
    UtcTimestamp,
    optional,
    required,
)

TransactionType = Literal["purchase", "cash_withdrawal", "refund", "transfer", "account_verification"]
Channel = Literal["card_present", "ecommerce", "transfer", "cash"]
EntryMode = Literal["chip", "contactless", "magstripe", "manual", "ecommerce", "credential_on_file"]
CardholderVerification = Literal["pin", "signature", "device", "none", "pin_failed"]


class Transaction(Contract):
    """A payment event: 39 fields, of which event_id, event_ts, card_id, amount_minor, currency are needed.

    On the wire it is a JSON object, or a row of text columns of the same names.
    """

    event_id: str = required("Unique id of the message; a second message with it is a duplicate", **IDENTIFIER)
    event_ts: UtcTimestamp = required("When the payment was made", unit="UTC", standard="ISO 8583 DE7")
    transmitted_ts: UtcTimestamp | None = optional(
        "When the message was sent to the issuer, where that was later: its merchant, ip and BIN count it from then on",
        unit="UTC",
        standard="ISO 8583 DE7 of an advice (0120, 0220)",
    )
    local_ts: LocalTimestamp | None = optional(
        "Local time at the merchant, without offset", unit="local time", standard="ISO 8583 DE12, DE13"
    )
    message_type: str | None = optional(
        "Message type: 0100 authorisation, 0200 financial, 0400 reversal",
        standard="ISO 8583 MTI",
        pattern=r"^\d{4}$",
    )
    transaction_type: TransactionType | None = optional("What the payment does", standard="ISO 8583 DE3")
    channel: Channel | None = optional("Where the payment was made", standard="ISO 20022 POI environment")
    card_id: str = required("PAN token, never a card number", standard="ISO 8583 DE2, tokenised", **IDENTIFIER)
    account_id: str | None = optional("Account behind the card", standard="ISO 8583 DE102", **IDENTIFIER)
    customer_id: str | None = optional("Customer who owns the account", **IDENTIFIER)
    bin: str | None = optional(
        "First 6 to 8 digits of the card number: the issuer's range",
        standard="ISO/IEC 7812",
        pattern=r"^\d{6,8}$",
    )
    card_scheme: str | None = optional("Card scheme (visa, mastercard, amex, ...)", max_length=32)
    card_expiry: str | None = optional(
        "Expiry date", unit="YYMM", standard="ISO 8583 DE14", pattern=r"^\d{2}(0[1-9]|1[0-2])$"
    )
    amount_minor: int = required(
        "Amount in the currency of the payment", unit="minor units", standard="ISO 8583 DE4", **COUNTED
    )
    currency: str = required("Currency of the payment", unit="ISO 4217 alpha", standard="ISO 8583 DE49", **CURRENCY)
    billing_amount_minor: int | None = optional(
        "Amount in the cardholder's currency; features use it, else amount_minor",
        unit="minor units",
        standard="ISO 8583 DE6",
        **COUNTED,
    )
    billing_currency: str | None = optional(
        "The cardholder's currency", unit="ISO 4217 alpha", standard="ISO 8583 DE51", **CURRENCY
    )
    entry_mode: EntryMode | None = optional("How the card data was read", standard="ISO 8583 DE22")
    cardholder_verification: CardholderVerification | None = optional(
        "How the cardholder was verified", standard="EMV tag 9F34 (CVM results)"
    )
    cvv_result: Literal["match", "no_match", "not_provided"] | None = optional(
        "Check of the card verification value", standard="ISO 8583 DE44"
    )
    avs_result: Literal["match", "partial", "no_match", "not_checked"] | None = optional(
        "Check of the billing address", standard="ISO 8583 DE44"
    )
    mcc: str | None = optional("Merchant category code", unit="ISO 18245", standard="ISO 8583 DE18", pattern=r"^\d{4}$")
    merchant_id: str | None = optional("Card acceptor identification", standard="ISO 8583 DE42", **IDENTIFIER)
    merchant_name: str | None = optional("Card acceptor name", standard="ISO 8583 DE43", max_length=256)
    merchant_city: str | None = optional("Card acceptor city", standard="ISO 8583 DE43", max_length=128)
    merchant_country: str | None = optional(
        "Card acceptor country", unit="ISO 3166-1 alpha-2", standard="ISO 8583 DE43", **COUNTRY
    )
    terminal_id: str | None = optional("Card acceptor terminal identification", standard="ISO 8583 DE41", **IDENTIFIER)
    acquirer_id: str | None = optional("Acquiring institution identification", standard="ISO 8583 DE32", **IDENTIFIER)
    acquirer_country: str | None = optional(
        "Acquiring institution country", unit="ISO 3166-1 alpha-2", standard="ISO 8583 DE19", **COUNTRY
    )
    latitude: float | None = optional(
        "Where the payment was made: the terminal's place, or the place of the ip", unit="degrees", **LATITUDE
    )
    longitude: float | None = optional(
        "Where the payment was made: the terminal's place, or the place of the ip",
        unit="degrees",
        **LONGITUDE,
    )
    ip: str | None = optional(
        "Address the payment came from", unit="IPv4 or IPv6", standard="EMV 3DS browserIP", max_length=45
    )
    device_id: str | None = optional(
        "Device the payment came from", standard="EMV 3DS SDK app ID, device information", **IDENTIFIER
    )
    wallet: str | None = optional("Wallet (none, apple_pay, google_pay, ...)", max_length=32)
    response_code: str | None = optional(
        'Issuer\'s answer: "00" is approved, 05 do not honour, 51 funds, 54 expired, 55 wrong PIN',
        standard="ISO 8583 DE39",
        pattern=r"^[0-9A-Z]{2}$",
    )
    three_ds_status: Literal["Y", "N", "A", "U", "C", "R"] | None = optional(
        "Result of the cardholder's authentication", standard="EMV 3DS transStatus"
    )
    three_ds_eci: str | None = optional("Electronic commerce indicator", standard="EMV 3DS eci", pattern=r"^\d{2}$")
    is_recurring: bool | None = optional(
        "Whether the merchant starts the payment by a standing agreement", standard="EMV 3DS 3RI indicator"
    )
    original_event_id: str | None = optional(
        "event_id of the payment that this one refunds or reverses", standard="ISO 8583 DE90", **IDENTIFIER
    )
