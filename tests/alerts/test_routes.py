"""Faults of a routes file, each told in one line that never holds a secret."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from riskwave.alerts.receivers import open_receivers
from riskwave.alerts.routes import load_routes
from riskwave.errors import RiskwaveError

GOOD = """\
receivers:
  desk: {url: "slack://${SLACK_TOKENS}/#fraud"}
  mail: {url: "mailtos://riskwave:${MAIL_PASSWORD}@mail.example?to=desk@bank.example"}
  pager: {webhook: "https://pager.example/alerts", secret: "${PAGER_SECRET}"}
routes:
  - name: urgent
    severity: [P0]
    rules: [blocked_*]
    to: [desk, pager]
    escalate:
      - {after: 15m, to: [mail]}
  - {name: others, to: [desk], group_by: merchant, every: 1h, most: 10, per: 1d}
retry: {first: 500ms, give_up: 7d}
"""
HIDDEN = "hunter2-hunter2-hunter2"
ENVIRONMENT = {
    "SLACK_TOKENS": "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    "MAIL_PASSWORD": HIDDEN,
    "PAGER_SECRET": HIDDEN,
}


def loaded(tmp_path: Path, text: str) -> None:
    path = tmp_path / "routes.yml"
    path.write_text(text)
    open_receivers(load_routes(path), str(path), ENVIRONMENT)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    loaded(tmp_path, GOOD)
    routes = load_routes(tmp_path / "routes.yml")
    assert routes.routes[0].escalate[0].after == timedelta(minutes=15)
    assert (routes.retry.first, routes.retry.give_up) == (timedelta(milliseconds=500), timedelta(days=7))
    found = routes.route_of("P0", "block", ["x", "blocked_card"])
    assert found is not None
    assert found.name == "urgent"
    found = routes.route_of("P0", "block", ["x"])
    assert found is not None
    assert found.name == "others"


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ("severity: [P0]", "severity: [P9]", "routes.0.severity.0: Input should be 'P0', 'P1' or 'P2'"),
        ("to: [desk, pager]", "to: [desk, phone]", "routes.0 (urgent): no receiver phone; there are desk, mail, pager"),
        ("after: 15m", "after: soon", "routes.0.escalate.0.after: 'soon' is no span of time"),
        ("every: 1h", "evry: 1h", "routes.1.evry: Extra inputs are not permitted"),
        ("name: others", "name: urgent", "routes.1.name: two routes are called urgent"),
        ("most: 10", "most: 0", "routes.1.most: Input should be greater than or equal to 1"),
        ('secret: "${PAGER_SECRET}"', f"secret: {HIDDEN}", "receivers.pager: secret: holds a secret"),
        ("${MAIL_PASSWORD}", HIDDEN, "receivers.mail: url: holds a secret"),
        ("${MAIL_PASSWORD}", "${NOT_THERE}", "receiver mail: the environment has no NOT_THERE"),
        ("slack://", "nothing://", "receiver desk: url: apprise knows no such address"),
        ("https://pager", "ftp://pager", "receiver pager: webhook: expected an address"),
        ('webhook: "https', 'url: "x", webhook: "https', "receivers.pager: expected either"),
        ("receivers:", "receivers: {", "not valid YAML"),
        (GOOD, "- a list", "expected `receivers:` and `routes:`"),
        (GOOD, "routes: []", "receivers: Field required"),
    ],
)
def test_a_fault_is_told_in_one_line(tmp_path: Path, written: str, instead: str, said: str) -> None:
    pytest.importorskip("apprise")
    assert written in GOOD
    with pytest.raises(RiskwaveError) as told:
        loaded(tmp_path, GOOD.replace(written, instead, 1))
    text = str(told.value)
    assert said in text
    assert text.startswith(str(tmp_path / "routes.yml"))
    assert "\n" not in text
    assert HIDDEN not in text


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match=r"nothing.yml: the routes cannot be read"):
        load_routes(tmp_path / "nothing.yml")
