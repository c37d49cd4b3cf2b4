import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskwave.sources.batch import FIELDS
from riskwave.sources.json_rows import decode_json

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS[:6]) | st.text(max_size=4), JSON_VALUES, max_size=6)


def one(message: bytes, name: str = "amount_minor") -> tuple[str | None, str | None]:
    columns, errors = decode_json([message], ["event_id", name])
    return columns[name].to_pylist()[0], errors[0] if errors else None


@given(st.lists(st.binary(max_size=40) | OBJECTS.map(lambda o: json.dumps(o).encode()), max_size=12))
def test_any_messages_give_a_row_each(messages: list[bytes]) -> None:
    columns, errors = decode_json(messages, FIELDS)
    assert set(columns) == set(FIELDS)
    assert all(len(column) == len(messages) for column in columns.values())
    assert errors is None or len(errors) == len(messages)
    for i, message in enumerate(messages):
        try:
            readable = type(orjson.loads(message)) is dict
        except ValueError:
            readable = False
        assert ((errors is None) or errors[i] is None) == readable


@given(st.lists(OBJECTS, min_size=1, max_size=12), st.integers(0, 11))
def test_a_message_reads_the_same_in_any_company(objects: list[dict[str, object]], at: int) -> None:
    messages = [json.dumps(o).encode() for o in objects]
    i = at % len(messages)
    together, _ = decode_json(messages, FIELDS)
    alone, _ = decode_json([messages[i]], FIELDS)
    assert {n: c.to_pylist()[i] for n, c in together.items()} == {n: c.to_pylist()[0] for n, c in alone.items()}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"100", "100"),
        (b"-5", "-5"),
        (b'"100"', "100"),
        (b"12.5", "12.5"),
        (b"true", "true"),
        (b"null", None),
        (b"123456789012345678901234567890", "123456789012345678901234567890"),
        (b'{"value": 1, "at": [1, 2]}', '{"value":1,"at":[1,2]}'),
        (b"[]", "[]"),
        (b'"caf\xc3\xa9 \\u20ac"', "café €"),
    ],
)
def test_values_become_texts(written: bytes, text: str | None) -> None:
    assert one(b'{"event_id": "e", "amount_minor": ' + written + b"}") == (text, None)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"not json", "not valid JSON"),
        (b'{"event_id": "e"', "not valid JSON"),
        (b'{"amount_minor": NaN}', "not valid JSON"),
        (b'{"amount_minor": 1} {"amount_minor": 2}', "not valid JSON"),
        (b'{"event_id": "\xff"}', "not valid UTF-8: byte 14"),
        (b"[1, 2]", "not a JSON object: an array"),
        (b'"text"', "not a JSON object: a text"),
        (b"null", "not a JSON object: null"),
        (b"", "empty message"),
        (b"[" * 5000, "not valid JSON"),
    ],
)
def test_what_cannot_be_read_says_why(message: bytes, reason: str) -> None:
    text, error = one(message)
    assert text is None
    assert error is not None
    assert error.startswith(reason)


def test_a_number_too_long_in_a_message_nested_too_deep_is_still_a_row() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    text, error = one(b'{"amount_minor": 123456789012345678901, "x": ' + deep + b"}")
    assert (error, text is not None) == (None, True)


def test_members_missing_or_of_another_type_further_down() -> None:
    messages = [b'{"event_id": "a", "amount_minor": "1"}'] * 20 + [b'{"amount_minor": 2}', b'{"event_id": 3}']
    columns, errors = decode_json(messages, ["event_id", "amount_minor"])
    assert errors is None
    assert columns["event_id"].to_pylist()[19:] == ["a", None, "3"]
    assert columns["amount_minor"].to_pylist()[19:] == ["1", "2", None]


def test_more_messages_than_a_block_keep_their_order() -> None:
    messages = [b'{"event_id": "%d"}' % i for i in range(2500)]
    columns, _ = decode_json(messages, ["event_id", "currency"])
    assert columns["event_id"].to_pylist() == [str(i) for i in range(2500)]
    assert columns["currency"].null_count == 2500


def test_no_messages() -> None:
    columns, errors = decode_json([], ["event_id"])
    assert (columns["event_id"].to_pylist(), errors) == ([], None)
