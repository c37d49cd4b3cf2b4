"""Who may do what: every route by every role; keys that are wrong, ended, revoked; what a key without look sees."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from riskwave.cli import app as command
from riskwave.control import control_path
from riskwave.serve.keys import Keys, keys_path
from riskwave.serve.scopes import ROLES, SCOPES
from riskwave.serve.settings import Settings
from tests.serve.conftest import Served
from tests.support.processes import wait_until

#: Every route, and who may use it: v viewer, i investigator, a analyst, p approver, m admin, d a key with decide alone.
TABLE = """
get /healthz                                 viapmd-
get /readyz                                  viapmd-
get /metrics                                 viapm
get /v1/me                                   viapmd
post /v1/decisions                           md
post /v1/decisions:batch                     md
post /v1/events                              md
get /v1/decisions                            viapm
get /v1/decisions/{event_id}                 viapm
get /v1/decisions/{event_id}/explanation     iapm
get /v1/decisions/{event_id}/similar         iapm
get /v1/alerts                               viapm
get /v1/alerts:counts                        viapm
post /v1/alerts:bulk                         iam
get /v1/alerts/{event_id}                    viapm
post /v1/alerts/{event_id}/acknowledge       iam
post /v1/alerts/{event_id}/assign            iam
post /v1/alerts/{event_id}/snooze            iam
post /v1/alerts/{event_id}/close             iam
post /v1/alerts/{event_id}/reopen            iam
get /v1/entities                             iapm
get /v1/entities/{kind}/{name}               iapm
get /v1/entities/{kind}/{name}/history       iapm
get /v1/entities/{kind}/{name}/features      iapm
get /v1/entities/{kind}/{name}/links         iapm
post /v1/labels                              iam
get /v1/labels                               viapm
get /v1/thresholds                           viapm
put /v1/thresholds/{rule}/{name}             am
get /v1/thresholds/{rule}/{name}/history     viapm
get /v1/thresholds/{rule}/{name}/curve       apm
get /v1/insights                             apm
post /v1/jobs                                apm
get /v1/jobs                                 apm
get /v1/jobs/{job}                           apm
delete /v1/jobs/{job}                        apm
get /v1/lists                                iapm
post /v1/lists/{list_name}/entries           am
delete /v1/lists/{list_name}/entries         am
get /v1/rules                                viapm
get /v1/rules/words                          viapm
get /v1/rulesets                             viapm
get /v1/rulesets/{revision}                  viapm
post /v1/rulesets:check                      am
post /v1/rulesets                            am
post /v1/rulesets/{revision}/publish         am
post /v1/rulesets/{revision}/promote         am
post /v1/rulesets/{revision}/approve         pm
post /v1/rulesets/{revision}/retire          pm
post /v1/rulesets:rollback                   pm
get /v1/approvals                            viapm
get /v1/features                             viapm
get /v1/models                               viapm
get /v1/models/{name}                        viapm
post /v1/models/{name}/promote               pm
post /v1/models/{name}/canary                pm
post /v1/models/{name}/shadow                pm
post /v1/models/{name}/rollback              pm
get /v1/rejected                             viapm
get /v1/status                               viapm
get /v1/activity                             viapm
post /v1/sql                                 am
get /v1/audit                                pm
get /v1/audit/verify                         pm
"""
WHO = {"v": "viewer", "i": "investigator", "a": "analyst", "p": "approver", "m": "admin", "d": "", "-": None}
ROWS = [tuple(line.split()) for line in TABLE.strip().splitlines()]


@pytest.fixture(scope="module")
def clients(served: Served) -> dict[str, Any]:
    made = {letter: served.client(role=role) for letter, role in WHO.items() if role}
    return made | {"d": served.client("decide"), "-": served.client()}


def test_the_table_has_every_route(served: Served) -> None:
    documented = {f"{method} {path}" for path, methods in served.app.openapi()["paths"].items() for method in methods}
    assert sorted(f"{method} {path}" for method, path, _ in ROWS) == sorted(documented)


@pytest.mark.parametrize(("method", "path", "may"), ROWS, ids=[f"{method} {path}" for method, path, _ in ROWS])
def test_every_route_by_every_role(clients: dict[str, Any], method: str, path: str, may: str) -> None:
    """Bodies are empty: who may go on is told that, who may not is told so before anything is read."""
    where = path.replace("{kind}", "card")
    for part in ("event_id", "name", "rule", "list_name", "revision", "job"):
        where = where.replace(f"{{{part}}}", "nothing-of-that-name")
    for letter, client in clients.items():
        answer = client.request(method, where)
        refused = answer.status_code in (401, 403)
        assert refused == (letter not in may), (letter, answer.status_code, answer.text)
        if refused:
            assert answer.status_code == (401 if letter == "-" else 403)
            assert answer.json()["type"] in ("urn:riskwave:unauthenticated", "urn:riskwave:forbidden")


def test_whoever_drafts_does_not_approve() -> None:
    assert not ROLES["analyst"] & {"approve"}
    assert not ROLES["approver"] & {"draft", "tune"}
    assert ROLES["admin"] == set(SCOPES)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer rwk_000000000000_x", "Bearer rwk__"]
)
def test_what_is_no_key_gets_no_data(served: Served, header: str) -> None:
    answer = served.client().get("/v1/decisions", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}


def test_expired_and_revoked_keys_end_at_once(served: Served) -> None:
    keys = Keys(keys_path(served.service.state))  # as the command line opens them, beside the server
    client = served.client()
    _, token = keys.create("short", owner="ann", role="viewer", valid_for=timedelta(0))
    assert client.get("/v1/rules", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    _, token = keys.create("ended", owner="ann", role="viewer")
    assert client.get("/v1/rules", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    keys.revoke("ended")

    def asked() -> httpx2.Response:
        return client.get("/v1/rules", headers={"Authorization": f"Bearer {token}"})

    wait_until(lambda: asked().status_code != 200, limit_s=1, what="the server to see what another process did")
    answer = asked()
    assert answer.status_code == 401
    assert "revoked" in answer.json()["detail"]
    keys.close()


def test_a_rotated_key_has_two_tokens_for_a_while(served: Served) -> None:
    keys = served.service.keys
    _, before = keys.create("turned", owner="ann", role="viewer")
    _, after = keys.rotate("turned", grace=timedelta(hours=1), valid_for=timedelta(days=1))
    client = served.client()
    for token in (before, after):
        assert client.get("/v1/rules", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    _, last = keys.rotate("turned", grace=timedelta(0), valid_for=timedelta(days=1))
    assert client.get("/v1/rules", headers={"Authorization": f"Bearer {after}"}).status_code == 401
    assert client.get("/v1/rules", headers={"Authorization": f"Bearer {last}"}).status_code == 200


def test_secrets_are_not_kept(served: Served) -> None:
    _, token = served.service.keys.create("hidden", owner="ann", role="viewer")
    kept = keys_path(served.service.state).read_bytes()
    secret = token.split("_", 2)[2]
    assert secret.encode() not in kept


def test_the_commands_make_list_rotate_and_revoke(tmp_path: Any) -> None:
    state = str(tmp_path / "s.duckdb")

    def run(*words: str) -> Any:
        return CliRunner().invoke(command, ["keys", *words, "--state", state], catch_exceptions=False)

    token = run("create", "ann", "--role", "analyst", "--for", "1h").stdout.split()[0]
    assert Keys(keys_path(tmp_path / "s.duckdb")).find(token).scopes == ROLES["analyst"]
    assert "ann" in run("list").stdout
    assert run("rotate", "ann", "--grace", "0m").stdout.split()[0] != token
    assert run("revoke", "ann").exit_code == 0
    assert '"state": "valid"' not in run("list", "--json").stdout
    assert token not in run("list", "--json").stdout


def test_tokens_are_masked_for_those_who_need_not_see_them(
    served: Served, payment: Callable[..., dict[str, Any]]
) -> None:
    event = payment(card_id="card-of-somebody-1234", device_id="device-of-somebody-1234", ip="203.0.113.77")
    served.client("decide").post("/v1/decisions", json=event)
    hidden = ("card-of-somebody-1234", "device-of-somebody-1234", "203.0.113.77")
    viewer, investigator = served.client(role="viewer"), served.client(role="investigator")
    for path in (f"/v1/decisions/{event['event_id']}", "/v1/decisions?limit=500"):
        seen = viewer.get(path).text
        assert event["event_id"] in seen
        assert not any(token in seen for token in hidden), path
        assert "***1234" in seen
        assert all(token in investigator.get(path).text for token in hidden)
    assert viewer.get("/v1/decisions", params={"card": "card-of-somebody-1234"}).status_code == 403


def test_every_look_is_in_the_log(served: Served, payment: Callable[..., dict[str, Any]]) -> None:
    event = payment(card_id="card-looked-at")
    served.client("decide").post("/v1/decisions", json=event)
    ben = served.client(role="investigator", owner="ben")
    for path in ("", "/history", "/features", "/links"):
        assert ben.get(f"/v1/entities/card/card-looked-at{path}").status_code == 200, path
    ben.get(f"/v1/decisions/{event['event_id']}")
    ben.get("/v1/decisions", params={"card": "card-looked-at"})
    admin = served.client(role="admin")
    log = admin.get("/v1/audit", params={"subject": "card:card-looked-at"}).json()["items"]
    assert [row["what"] for row in log] == ["look"] * 6
    assert {row["author"] for row in log} == {"ben"}
    assert admin.get("/v1/audit/verify").json()["intact"] is True


def test_tampering_with_the_log_shows(served: Served, tmp_path: Path) -> None:
    served.client(role="investigator", owner="eve").get("/v1/entities/card/somebody")
    state = tmp_path / "copy.duckdb"
    with sqlite3.connect(control_path(served.service.state)) as kept, sqlite3.connect(control_path(state)) as copy:
        kept.backup(copy)
    verify = ["audit", "verify", "--state", str(state)]
    assert CliRunner().invoke(command, verify).exit_code == 0
    with sqlite3.connect(control_path(state)) as copy:
        copy.execute("drop trigger audit_no_update")
        copy.execute("update audit set author = 'nobody' where author = 'eve'")
    copy.close()
    kept.close()
    assert CliRunner().invoke(command, verify).exit_code != 0


def test_a_key_that_asks_too_often_is_told_when_to_come_again(served: Served) -> None:
    token = served.service.keys.create("eager", owner="ann", role="viewer", rate=2.0)[1]
    client = served.client()
    client.headers["Authorization"] = f"Bearer {token}"
    answers = [client.get("/v1/approvals") for _ in range(4)]
    late = [answer for answer in answers if answer.status_code == 429]
    assert late
    assert int(late[0].headers["Retry-After"]) >= 1
    assert late[0].headers["content-type"] == "application/problem+json"
    # Another key is not held up by it.
    assert served.client(role="viewer").get("/v1/approvals").status_code == 200


def test_defaults_are_bounded() -> None:
    assert Settings().deadline_ms <= 1_000
    assert Settings().body_bytes <= 8 << 20
