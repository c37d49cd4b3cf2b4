"""Rules while they are written: faults with their place, what may be named, one rule put into those that decide."""

from __future__ import annotations

import pytest

from tests.serve.conftest import Served

ONE = """\
rules:
  - rule: many_payments
    when: card_txn_count_10m >= :most
    thresholds: {most: 5}
    action: review
    severity: P2
    reason: "{card_txn_count_10m} payments"
    owner: us
    channels: [ecommerce]
    cases:
      - given: {card_txn_count_10m: 5}
        expect: fired
"""


@pytest.mark.parametrize(
    ("before", "after", "line", "field", "fix"),
    [
        ("card_txn_count_10m >=", "card_txn_cnt_10m >=", 3, "when", "did you mean card_txn_count_10m?"),
        ("action: review", "action: revew", 5, "action", "did you mean review?"),
        ("severity: P2", "severity: P2\n    serious: true", 7, "serious", None),
        ("{card_txn_count_10m: 5}", "{card_txn_count_10m: 4}", 10, "cases.0", "correct the predicate or the case"),
        ("[ecommerce]", "[moon]", 9, "channels", None),
    ],
)
def test_a_fault_has_its_line_and_what_to_do(
    served: Served, before: str, after: str, line: int, field: str, fix: str | None
) -> None:
    body = {"text": ONE.replace(before, after), "into": "live"}
    found = served.client(role="analyst").post("/v1/rulesets:check", json=body).json()
    assert [fault["rule"] for fault in found["faults"]] == ["many_payments"], found
    fault = found["faults"][0]
    assert (fault["line"], fault["field"]) == (line, field), fault
    assert fault["fix"] if fix is None else fault["fix"] == fix
    assert found["problem"] == f"{fault['detail']}; {fault['fix']}"


def test_a_rule_is_put_into_those_that_decide(served: Served) -> None:
    analyst = served.client(role="analyst")
    live = analyst.get("/v1/rules").json()["rules"]
    found = analyst.post("/v1/rulesets:check", json={"text": ONE, "into": "live"}).json()
    assert (found["problem"], found["rules"]) == (None, len(live) + 1)
    made = analyst.post("/v1/rulesets", json={"text": ONE, "into": "live", "why": "try"}).json()
    assert made["revision"] == found["revision"]
    names = [rule["rule"] for rule in analyst.get(f"/v1/rulesets/{made['revision']}").json()["rules"]]
    assert names == [*(rule["rule"] for rule in live), "many_payments"]
    # One of the same name takes its place.
    again = ONE.replace("many_payments", live[0]["rule"])
    assert analyst.post("/v1/rulesets:check", json={"text": again, "into": "live"}).json()["rules"] == len(live)
    assert analyst.post("/v1/rulesets:check", json={"text": ONE, "into": "none-such"}).status_code == 404


def test_what_may_be_named_is_told(served: Served) -> None:
    items = served.client(role="viewer").get("/v1/rules/words").json()["items"]
    words = {item["name"]: item for item in items}
    assert words["card_txn_count_10m"]["unit"] == "payments"
    assert "ecommerce" in words["channel"]["values"]
    assert words["coalesce(x, 0)"]["kind"] == "language"
