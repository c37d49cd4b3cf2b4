from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from riskwave.contracts import CONTRACTS, CardProfile, Contract, Decision, Device, Label, Transaction

PAYMENT = {
    "event_id": "e1",
    "event_ts": "2026-01-05T10:00:00Z",
    "card_id": "c1",
    "amount_minor": 1250,
    "currency": "EUR",
}


@pytest.mark.parametrize(
    ("contract", "fields"),
    [(Transaction, 39), (CardProfile, 22), (Device, 15), (Label, 6), (Decision, 26)],
)
def test_contract_has_its_number_of_fields(contract: type[Contract], fields: int) -> None:
    assert len(contract.model_fields) == fields


@pytest.mark.parametrize("contract", CONTRACTS.values())
def test_every_field_says_what_it_is_and_where_it_comes_from(contract: type[Contract]) -> None:
    for name, field in contract.model_fields.items():
        assert field.description, name
        assert isinstance(field.json_schema_extra, dict), name
        assert field.json_schema_extra["standard"], name


def test_payment_needs_five_fields_only() -> None:
    needed = {name for name, field in Transaction.model_fields.items() if field.is_required()}
    assert needed == set(PAYMENT)
    assert Transaction.model_validate(PAYMENT).mcc is None


@pytest.mark.parametrize("missing", sorted(PAYMENT))
def test_payment_without_a_needed_field_is_refused(missing: str) -> None:
    row = {name: value for name, value in PAYMENT.items() if name != missing}
    with pytest.raises(ValidationError, match=missing):
        Transaction.model_validate(row)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_minor", -1),
        ("amount_minor", float("nan")),
        ("amount_minor", 12.5),
        ("amount_minor", "twelve"),
        ("currency", "EURO"),
        ("card_id", ""),
        ("event_ts", "yesterday"),
        ("bin", "12345"),
        ("mcc", "54"),
        ("card_expiry", "2713"),
        ("merchant_country", "DEU"),
        ("latitude", 90.1),
        ("longitude", float("nan")),
        ("entry_mode", "telepathy"),
        ("response_code", "000"),
        ("three_ds_status", "X"),
        ("pan", "4111111111111111"),
    ],
)
def test_payment_with_a_bad_value_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        Transaction.model_validate({**PAYMENT, field: value})


@given(st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)), st.integers(-840, 840))
def test_instants_become_utc_without_an_offset(moment: datetime, offset: int) -> None:
    told = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset)))
    row = Transaction.model_validate({**PAYMENT, "event_ts": told.isoformat()})
    assert row.event_ts == moment
    assert row.event_ts.tzinfo is None


def test_local_time_is_kept_as_told() -> None:
    row = Transaction.model_validate({**PAYMENT, "local_ts": "2026-01-05T19:00:00+09:00"})
    assert row.local_ts == datetime(2026, 1, 5, 19)


def test_rows_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Transaction.model_validate(PAYMENT).amount_minor = 1  # type: ignore[misc]
