"""What the issuer knows of a card, as versioned rows."""

from typing import Literal

from riskwave.contracts.fields import (
    COUNTED,
    COUNTRY,
    CURRENCY,
    IDENTIFIER,
    LATITUDE,
    LONGITUDE,
    Contract,
    UtcTimestamp,
    optional,
    required,
)


class CardProfile(Contract):
    """One version of a card's profile: 22 fields, in force from valid_from until the card's next version."""

    card_id: str = required("PAN token", standard="ISO 8583 DE2, tokenised", **IDENTIFIER)
    account_id: str | None = optional("Account behind the card", standard="ISO 8583 DE102", **IDENTIFIER)
    customer_id: str | None = optional("Customer who owns the account", **IDENTIFIER)
    valid_from: UtcTimestamp = required("Start of this version", unit="UTC")
    segment: str | None = optional("Customer segment (student, mass, affluent, senior, ...)", max_length=32)
    risk_class: Literal["low", "medium", "high"] | None = optional("The issuer's own risk class")
    status: Literal["active", "blocked", "closed"] | None = optional("Status of the card")
    opened_at: UtcTimestamp | None = optional("When the account was opened: its tenure starts here", unit="UTC")
    product: str | None = optional("Card product (debit, credit, prepaid, ...)", max_length=32)
    home_country: str | None = optional(
        "Country of residence", unit="ISO 3166-1 alpha-2", standard="ISO 20022 CountryOfResidence", **COUNTRY
    )
    home_city: str | None = optional("City of residence", standard="ISO 20022 TownName", max_length=128)
    home_latitude: float | None = optional("Place of residence", unit="degrees", **LATITUDE)
    home_longitude: float | None = optional("Place of residence", unit="degrees", **LONGITUDE)
    billing_currency: str | None = optional(
        "Currency of the account", unit="ISO 4217 alpha", standard="ISO 8583 DE51", **CURRENCY
    )
    single_limit_minor: int | None = optional(
        "Most a single payment may be", unit="minor units of billing_currency", **COUNTED
    )
    daily_limit_minor: int | None = optional(
        "Most a day's payments may be", unit="minor units of billing_currency", **COUNTED
    )
    credit_limit_minor: int | None = optional(
        "Credit line; 0 without one", unit="minor units of billing_currency", **COUNTED
    )
    mean_amount_minor: int | None = optional(
        "Mean amount of a payment in the year before valid_from",
        unit="minor units of billing_currency",
        **COUNTED,
    )
    std_amount_minor: int | None = optional(
        "Standard deviation of the same amounts", unit="minor units of billing_currency", **COUNTED
    )
    mean_daily_count: float | None = optional(
        "Mean number of payments a day in the same year", unit="payments a day", ge=0, allow_inf_nan=False
    )
    usual_radius_km: float | None = optional(
        "Distance from home within which most payments are made", unit="km", ge=0, allow_inf_nan=False
    )
    travels_abroad: bool | None = optional("Whether the customer paid abroad in the same year")
