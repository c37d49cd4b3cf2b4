from itertools import pairwise

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from riskwave.simulator import SimulatedBank, simulate
from riskwave.sources.batch import FIELDS, RAW_SCHEMA

MINUTE_US = 60_000_000


def lateness(bank: SimulatedBank) -> np.ndarray:
    """Microseconds from event to arrival."""
    return bank.arrived_us - bank.transactions["event_ts"].cast(pa.int64()).to_numpy()


def first_deliveries(bank: SimulatedBank) -> np.ndarray:
    """Places of each payment's first delivery."""
    ids = bank.transactions["event_id"].combine_chunks()
    return np.unique(pc.dictionary_encode(ids).indices.to_numpy(), return_index=True)[1]


def test_rows_come_in_order_of_arrival(bank: SimulatedBank) -> None:
    assert (np.diff(bank.arrived_us) >= 0).all()
    assert (lateness(bank) >= 0).all()


def test_shares_of_late_and_out_of_order_rows_are_those_asked_for(bank: SimulatedBank) -> None:
    late = lateness(bank)[first_deliveries(bank)]
    assert abs((late >= 3 * MINUTE_US).sum() - 1200) < 60
    assert late.max() <= 1440 * MINUTE_US
    assert abs(((late > 0) & (late < 3 * MINUTE_US)).sum() - 1800) < 60


def test_a_message_says_when_it_was_sent_where_that_was_later(bank: SimulatedBank, tidy_bank: SimulatedBank) -> None:
    first = first_deliveries(bank)
    made = bank.transactions["event_ts"].cast(pa.int64()).to_numpy()
    sent = pc.fill_null(bank.transactions["transmitted_ts"].cast(pa.int64()), 0).to_numpy()
    arrived = bank.arrived_us
    assert (np.where(sent > 0, sent, made)[first] == arrived[first]).all()
    assert (sent[sent > 0] > made[sent > 0]).all()
    assert tidy_bank.transactions["transmitted_ts"].null_count == len(tidy_bank.transactions)


def test_duplicates_are_the_same_message_again(bank: SimulatedBank) -> None:
    assert len(bank.transactions) == 60_600
    again = bank.transactions.group_by("event_id").aggregate([("card_id", "count"), ("amount_minor", "count_distinct")])
    twice = again.filter(pc.equal(again["card_id_count"], 2))
    assert len(twice) == 600
    assert pc.max(twice["amount_minor_count_distinct"]).as_py() == 1


def test_rows_have_the_shape_of_every_source(bank: SimulatedBank) -> None:
    rows = bank.arrivals.rows(0, 1000)
    assert rows.schema == RAW_SCHEMA
    assert rows["source_offset"].to_pylist() == list(range(1000))


def test_good_rows_say_the_same_in_text_and_in_json(bank: SimulatedBank) -> None:
    rows = bank.arrivals.rows(0, 300).to_pylist()
    for row in rows:
        if row["decode_error"] is None:
            told = {name: row[name] for name in FIELDS if row[name] is not None}
            line = orjson.loads(row["raw"])
            assert set(line) == set(told)
            for name, value in line.items():
                assert str(value).lower() == told[name].lower() or float(value) == float(told[name])


def test_texts_are_the_typed_values(tidy_bank: SimulatedBank) -> None:
    rows = tidy_bank.arrivals.rows(0, 200).to_pylist()
    for row, typed in zip(rows, tidy_bank.transactions.slice(0, 200).to_pylist(), strict=True):
        assert int(row["amount_minor"]) == typed["amount_minor"]
        assert row["event_ts"] == typed["event_ts"].isoformat(timespec="milliseconds") + "Z"
        assert row["local_ts"] == typed["local_ts"].isoformat(timespec="milliseconds")
        assert row["merchant_name"] == typed["merchant_name"]
        assert (row["latitude"] is None) == (typed["latitude"] is None)


def test_malformed_rows_are_on_top_and_of_every_kind(bank: SimulatedBank) -> None:
    rows = bank.arrivals.rows(0, len(bank.arrivals))
    assert len(rows) == len(bank.arrivals) == 60_600 + 303
    errors = pc.value_counts(rows["decode_error"].combine_chunks().drop_null()).to_pylist()
    assert {e["values"] for e in errors} == {"not valid JSON", "not valid UTF-8"}
    odd = rows.filter(pc.or_kleene(pc.is_null(rows["event_id"]), pc.ends_with(rows["event_id"], "x")))
    odd = odd.filter(pc.is_null(odd["decode_error"]))
    assert {"twelve", "NaN", "-500", None} <= set(odd["amount_minor"].to_pylist())
    assert None in odd["card_id"].to_pylist()
    assert any((ts or "").startswith("9999") for ts in odd["event_ts"].to_pylist())


def test_broken_lines_are_broken_and_spoiled_ones_can_be_read(bank: SimulatedBank) -> None:
    rows = bank.arrivals.rows(0, len(bank.arrivals))
    broken = rows.filter(pc.is_valid(rows["decode_error"]))
    for row in broken.to_pylist():
        assert row["event_id"] is None
        try:
            orjson.loads(row["raw"])
        except orjson.JSONDecodeError:
            continue
        raise AssertionError(row["raw"])
    readable = rows.filter(pc.is_null(rows["decode_error"]))
    spoiled = readable.filter(pc.fill_null(pc.ends_with(readable["event_id"], "x"), True))
    for row in spoiled.to_pylist():
        assert orjson.loads(row["raw"]).get("amount_minor") is None or row["amount_minor"] is not None


SMALL = {malformed: simulate(400, 3, duplicates=0.02, malformed=malformed).arrivals for malformed in (0.0, 0.1, 1.0)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 408), max_size=5), st.sampled_from(list(SMALL)))
def test_any_cuts_give_the_same_rows(cuts: list[int], malformed: float) -> None:
    arrivals = SMALL[malformed]
    whole = arrivals.rows(0, len(arrivals))
    edges = [0, *sorted(cuts), len(arrivals)]
    parts = [arrivals.rows(a, b - a) for a, b in pairwise(edges) if b > a]
    assert pa.concat_tables(parts).combine_chunks().equals(whole.combine_chunks())
