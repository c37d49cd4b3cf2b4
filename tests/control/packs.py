"""Small rule packs to publish."""

from __future__ import annotations

from riskwave.rules.check import CheckedRuleset, check_ruleset
from riskwave.rules.pack import parse_rules

VELOCITY = """\
- rule: card_velocity
  when: card_txn_count_10m >= :max_count and card_amount_sum_10m >= :min_amount
  thresholds:
    max_count: {value: 6, min: 1, max: 1000, unit: payments}
    min_amount: {value: 20000, min: 0}
  action: challenge
  severity: P1
  reason: "{card_txn_count_10m} payments in 10 minutes"
  owner: card-risk
  cases:
    - {given: {card_txn_count_10m: 6, card_amount_sum_10m: 20000}, expect: fired}
    - {given: {card_txn_count_10m: 3, card_amount_sum_10m: 20000}, expect: not fired}
"""

SHARED = """\
- rule: ip_shared
  when: ip_decline_rate_1h >= :rate
  thresholds: {rate: {value: 0.4, min: 0.0, max: 1.0}}
  action: review
  severity: P2
  reason: many declines on this ip
  owner: card-risk
  cases:
    - {given: {ip_decline_rate_1h: 0.5}, expect: fired}
"""

LISTED = """\
- rule: listed_ip
  when: in_list('block_ip', ip)
  action: block
  severity: P0
  reason: the ip is on a list
  owner: card-risk
"""


def pack(*parts: str) -> CheckedRuleset:
    """A pack named card of these texts; VELOCITY when there is none."""
    return check_ruleset(parse_rules("".join(parts or (VELOCITY,)), name="card"))


#: The same rule, with other bounds and defaults, or one threshold fewer.
TIGHTER = VELOCITY.replace("max: 1000", "max: 8")
STRICTER = VELOCITY.replace("value: 6", "value: 4")
