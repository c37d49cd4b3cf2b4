import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskwave.contracts import CardProfile, Device, Label, Transaction, arrow_schema
from riskwave.errors import RiskwaveError
from riskwave.simulator import START_US, SimulatedBank, simulate

DAY_US = 86_400_000_000


def ask(sql: str, **tables: pa.Table) -> list[tuple[object, ...]]:
    with duckdb.connect() as db:
        for name, table in tables.items():
            db.register(name, table)
        return db.sql(sql).fetchall()


def counted(bank: SimulatedBank, key: str) -> np.ndarray:
    """Payments of each key."""
    counts = bank.transactions.group_by(key).aggregate([("event_id", "count")])
    return counts["event_id_count"].to_numpy()


def test_tables_are_typed_by_the_contracts(bank: SimulatedBank) -> None:
    assert bank.transactions.schema == arrow_schema(Transaction)
    assert bank.profiles.schema == arrow_schema(CardProfile)
    assert bank.devices.schema == arrow_schema(Device)
    assert bank.labels.schema == arrow_schema(Label)


def test_rows_hold_the_contracts(tidy_bank: SimulatedBank) -> None:
    some = np.linspace(0, len(tidy_bank.transactions) - 1, 400).astype(int)
    for row in tidy_bank.transactions.take(some).to_pylist():
        Transaction.model_validate(row)
    for table, contract in (
        (tidy_bank.profiles, CardProfile),
        (tidy_bank.devices, Device),
        (tidy_bank.labels, Label),
    ):
        for row in table.slice(0, 200).to_pylist():
            contract.model_validate(row)


def test_same_arguments_same_bytes(tidy_bank: SimulatedBank) -> None:
    again = simulate(60_000, 11)
    assert again.transactions.equals(tidy_bank.transactions)
    assert again.profiles.equals(tidy_bank.profiles)
    assert again.devices.equals(tidy_bank.devices)
    assert again.labels.equals(tidy_bank.labels)


def test_another_seed_another_bank(tidy_bank: SimulatedBank) -> None:
    other = simulate(60_000, 12)
    assert not other.transactions["amount_minor"].equals(tidy_bank.transactions["amount_minor"])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 50), st.sampled_from([1, 7, 30, 90]))
def test_any_size_has_exactly_as_many_events(events: int, seed: int, days: int) -> None:
    made = simulate(events, seed, days=days)
    assert len(made.transactions) == events
    assert len(pc.unique(made.transactions["event_id"])) == events
    assert set(made.labels["event_id"].to_pylist()) <= set(made.transactions["event_id"].to_pylist())
    paid = set(made.transactions["card_id"].to_pylist())
    assert paid <= set(made.profiles["card_id"].to_pylist())


def test_history_starts_at_its_fixed_day_and_spans_the_days_asked_for(tidy_bank: SimulatedBank) -> None:
    ts = tidy_bank.transactions["event_ts"].cast(pa.int64()).to_numpy()
    # clocks run ahead of and behind UTC, and the night of the last day is still that day
    assert START_US - DAY_US < ts.min() < START_US + DAY_US
    assert START_US + 29 * DAY_US < ts.max() < START_US + 32 * DAY_US


def test_without_disorder_rows_arrive_by_event_time(tidy_bank: SimulatedBank) -> None:
    ts = tidy_bank.transactions["event_ts"].cast(pa.int64()).to_numpy()
    assert (np.diff(ts) >= 0).all()


def test_cards_pay_once_to_three_times_a_day(tidy_bank: SimulatedBank) -> None:
    low, middle, high = np.quantile(counted(tidy_bank, "card_id"), [0.1, 0.5, 0.9])
    assert 15 < low < 45 < middle < 65 < high < 150


def test_days_and_weeks_have_their_rhythm(tidy_bank: SimulatedBank) -> None:
    rows = ask(
        "select hour(local_ts) as h, count(*) from t where channel = 'card_present' group by h order by h",
        t=tidy_bank.transactions,
    )
    by_hour = {int(str(h)): int(str(n)) for h, n in rows}
    assert by_hour[17] > 8 * by_hour[4]
    [(saturday, sunday)] = ask(
        "select count(*) filter (isodow(local_ts) = 6) / 5, count(*) filter (isodow(local_ts) = 7) / 4 from t",
        t=tidy_bank.transactions,
    )
    assert float(str(saturday)) > 1.3 * float(str(sunday))


def test_few_merchants_have_most_of_the_trade(tidy_bank: SimulatedBank) -> None:
    ordered = np.sort(counted(tidy_bank, "merchant_id"))[::-1]
    assert ordered[: len(ordered) // 10].sum() > 0.35 * ordered.sum()
    assert ordered[0] > 10 * ordered.mean()


def test_world_is_wide(tidy_bank: SimulatedBank) -> None:
    [(countries, currencies, foreign)] = ask(
        """select count(distinct merchant_country), count(distinct currency),
                  count(*) filter (currency <> billing_currency) from t""",
        t=tidy_bank.transactions,
    )
    assert int(str(countries)) >= 40
    assert int(str(currencies)) >= 25
    assert int(str(foreign)) > 3000


def test_billing_converts_the_amount(tidy_bank: SimulatedBank) -> None:
    [(same, yen)] = ask(
        """select count(*) filter (currency = billing_currency and amount_minor <> billing_amount_minor),
                  median(amount_minor / billing_amount_minor) filter (
                      currency = 'JPY' and billing_currency = 'EUR' and billing_amount_minor > 1000)
           from t""",
        t=tidy_bank.transactions,
    )
    assert same == 0
    # 163 yen a euro, no decimals in yen, two in euro, 1.2% for the exchange
    assert float(str(yen)) == pytest.approx(1.63 / 1.012, rel=0.02)


def test_carriers_hide_many_cards_behind_one_address(tidy_bank: SimulatedBank) -> None:
    [(most,)] = ask(
        "select max(n) from (select count(distinct card_id) as n from t where ip like '100.64.%' group by ip)",
        t=tidy_bank.transactions,
    )
    assert int(str(most)) > 50


def test_legitimate_life_overlaps_with_attacks(tidy_bank: SimulatedBank) -> None:
    [row] = ask(
        """
        with fine as (select * from t anti join (select * from l where verdict = 'fraud') using (event_id)),
        seen as (select *, count(*) over w as in_an_hour from fine window w as (
            partition by card_id order by event_ts range between interval 1 hour preceding and current row)),
        shared as (select device_id from fine where device_id is not null
                   group by device_id having count(distinct card_id) > 1)
        select count(*) filter (response_code = '55'), count(*) filter (in_an_hour >= 5),
               count(*) filter (entry_mode = 'magstripe'), count(*) filter (transaction_type = 'refund'),
               count(*) filter (hour(local_ts) between 2 and 4), count(*) filter (billing_amount_minor > 100000),
               count(*) filter (is_recurring), (select count(*) from shared)
        from seen""",
        t=tidy_bank.transactions,
        l=tidy_bank.labels,
    )
    assert all(int(str(n)) >= 100 for n in row), row


def test_refunds_and_reversals_name_a_payment_of_the_card_before(tidy_bank: SimulatedBank) -> None:
    [(wrong, some)] = ask(
        """select count(*) filter (o.event_id is null or o.card_id <> r.card_id or o.event_ts > r.event_ts),
                  count(*)
           from t as r left join t as o on o.event_id = r.original_event_id
           where r.original_event_id is not null""",
        t=tidy_bank.transactions,
    )
    assert wrong == 0
    assert int(str(some)) > 500


def test_every_device_is_known_before_it_pays(tidy_bank: SimulatedBank) -> None:
    [(wrong,)] = ask(
        """select count(*) from t where device_id is not null and not exists (
               select * from d where d.device_id = t.device_id and d.valid_from <= t.event_ts)""",
        t=tidy_bank.transactions,
        d=tidy_bank.devices,
    )
    assert wrong == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"events": 0}, "events: 0 is out of range"),
        ({"seed": -1}, "seed: -1 is negative"),
        ({"days": 0}, "days: 0 is out of range"),
        ({"late": 1.5}, "late: 1.5 is not a share"),
        ({"malformed": -0.1}, "malformed: -0.1 is not a share"),
        ({"fraud_share": 0.5}, "fraud_share: 0.5 is not a share"),
        ({"duplicates": float("nan")}, "duplicates: nan is not a share"),
    ],
)
def test_numbers_out_of_range_are_named(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(RiskwaveError, match=message):
        simulate(**{"events": 100, "seed": 1, **arguments})  # type: ignore[arg-type]
