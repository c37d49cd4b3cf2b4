"""The commands: what they print, what they refuse, and what they leave in the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from riskwave.control import Control, control_path
from riskwave.control.lists_cli import lists_app
from riskwave.control.rules_cli import rules_app
from riskwave.control.thresholds_cli import thresholds_app
from riskwave.errors import RiskwaveError
from tests.control.packs import LISTED, SHARED, STRICTER, VELOCITY, pack

APPS = {"thresholds": thresholds_app, "lists": lists_app, "rules": rules_app}
Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pack named card."""
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "a.yml").write_text(VELOCITY)
    (folder / "b.yml").write_text(SHARED)
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command as ann on a state in a folder of its own, in a wide terminal."""
    monkeypatch.setenv("RISKWAVE_USER", "ann")
    monkeypatch.setenv("COLUMNS", "240")

    def call(group: str, *arguments: str, code: int = 0) -> str:
        at = [] if arguments[0] in ("check", "test") else ["--state", str(tmp_path / "bank.duckdb")]
        done = CliRunner().invoke(APPS[group], [*arguments, *at])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output

    return call


@pytest.fixture
def published(run: Run, folder: Path) -> Run:
    run("rules", "publish", str(folder), "--why", "first")
    return run


def test_thresholds_set_list_and_history(published: Run, tmp_path: Path) -> None:
    said = published("thresholds", "set", "card_velocity", "max_count", "10", "--why", "a sale")
    assert "card_velocity.max_count: 10 (was 6)" in said
    table = published("thresholds", "list", "card_velocity")
    assert "card_velocity.max_count" in table
    assert "a sale" in table
    assert "ip_shared" not in table
    rows = json.loads(published("thresholds", "history", "card_velocity", "max_count", "--json"))
    assert [(row["value"], row["author"], row["why"]) for row in rows] == [
        ("6", "ann", "first"),
        ("10", "ann", "a sale"),
    ]
    assert rows[1]["valid_to"] is None
    assert "a sale" in published("thresholds", "history")
    with Control.open(control_path(tmp_path / "bank.duckdb"), read_only=True) as control:
        assert control.snapshot().thresholds["card_velocity", "max_count"] == 10
    (row, *_) = json.loads(published("thresholds", "list", "--json"))
    assert (row["value"], row["default"], row["unit"], row["kind"]) == ("10", "6", "payments", "integer")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("card_velocity", "max_count", "ten"), "card_velocity.max_count: ten: expected a whole number, as 6"),
        (("card_velocity", "max_count", "0"), "card_velocity.max_count: 0: expected 1 payments or more"),
        (("card_velocity", "max_count", "1001"), "card_velocity.max_count: 1001: expected 1000 payments or less"),
        (("ip_shared", "rate", "nan"), "expected a number, as 0.4"),
        (("card_velocity", "max_count", "1_0"), "expected a whole number"),
        (("card_velocity", "max_cnt", "9"), "card_velocity has max_count, min_amount"),
        (("card_velocty", "max_count", "9"), "did you mean card_velocity?"),
    ],
)
def test_a_bad_threshold_is_one_clear_line(published: Run, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(RiskwaveError) as fault:
        published("thresholds", "set", *arguments, "--why", "x")
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


def test_lists_add_show_remove_and_history(published: Run, folder: Path) -> None:
    said = published("lists", "add", "block_ip", "203.0.113.0/24", "--reason", "card testing", "--expires", "7d")
    assert "note: no live rule reads the list block_ip" in said
    (folder / "c.yml").write_text(LISTED)
    published("rules", "publish", str(folder), "--why", "lists")
    assert "note" not in published("lists", "add", "block_ip", "2001:DB8::1", "--reason", "a botnet")
    rows = json.loads(published("lists", "show", "block_ip", "--json"))
    assert [(row["value"], row["reason"], row["author"]) for row in rows] == [
        ("2001:db8::1", "a botnet", "ann"),
        ("203.0.113.0/24", "card testing", "ann"),
    ]
    assert rows[1]["expires_at"].endswith("Z")
    assert "card testing" in published("lists", "show")
    published("lists", "remove", "block_ip", "203.0.113.0/24", "--why", "it is over")
    history = json.loads(published("lists", "history", "block_ip", "--json"))
    assert [(row["what"], row["why"]) for row in history] == [
        ("list.add", "card testing"),
        ("list.add", "a botnet"),
        ("list.remove", "it is over"),
    ]
    assert "it is over" in published("lists", "history")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "block_ip", "10.0.0.1/8", "--reason", "x"), "did you mean that"),
        (("add", "block_ip", "here", "--reason", "x"), "expected an address or network"),
        (("add", "block_ip", "2001:db8::/32", "--reason", "x"), "IPv6 is looked up by exact address"),
        (("add", "Block", "c1", "--reason", "x"), "small letters"),
        (("add", "block_card", "c1", "--reason", "x", "--expires", "soon"), "--expires soon"),
        (("add", "block_card", "c1", "--reason", "x", "--expires", "2001-01-01"), "is over already"),
        (("add", "block_card", "c1", "--reason", " "), "say in a few words why"),
        (("remove", "block_card", "c1", "--why", "x"), "block_card: c1 is not there"),
        (("show", "block_card"), "has no entries"),
    ],
)
def test_a_bad_list_edit_is_one_clear_line(published: Run, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(RiskwaveError, match=said):
        published("lists", *arguments)


def test_a_value_that_is_never_looked_up_is_noted(published: Run, folder: Path) -> None:
    (folder / "c.yml").write_text(LISTED.replace("block_ip", "block_country").replace("', ip)", "', merchant_country)"))
    published("rules", "publish", str(folder), "--why", "lists")
    said = published("lists", "add", "block_country", "Spain", "--reason", "typo")
    assert "a merchant_country is written like ^[A-Z]{2}$: Spain may never be one" in said
    assert "note" not in published("lists", "add", "block_country", "ES", "--reason", "attacks from there")


def test_check_and_test(run: Run, folder: Path) -> None:
    assert "2 rules, 3 thresholds" in run("rules", "check", str(folder))
    assert "3 cases of 2 rules, 0 failed" in run("rules", "test", str(folder))
    (folder / "c.yml").write_text(LISTED + VELOCITY.replace("card_velocity", "other").replace("not fired", "fired"))
    said = run("rules", "test", str(folder), code=1)
    assert "rule other: cases.1: given card_txn_count_10m 3" in said
    assert "expected fired, and it did not fire" in said
    assert "without cases: listed_ip" in said
    found = json.loads(run("rules", "test", str(folder), "--rule", "card_velocity", "--json"))
    assert found == {"cases": 2, "failed": [], "without_cases": []}
    with pytest.raises(RiskwaveError, match="has no rule gone"):
        run("rules", "test", str(folder), "--rule", "gone")
    (folder / "c.yml").write_text(SHARED.replace("ip_shared", "a").replace(":rate", ":rat"))
    with pytest.raises(RiskwaveError, match="did you mean rate"):
        run("rules", "check", str(folder))


def test_publish_says_what_changes(published: Run, folder: Path) -> None:
    published("thresholds", "set", "card_velocity", "min_amount", "30000", "--why", "x")
    (folder / "a.yml").write_text(STRICTER)
    (folder / "b.yml").write_text(LISTED)
    said = published("rules", "publish", str(folder), "--live", "--why", "stricter")
    for line in (
        "listed_ip: added, block P0: in_list('block_ip', ip)",
        "ip_shared: removed, it was review P2: ip_decline_rate_1h >= :rate",
        "card_velocity.max_count: 6 becomes 4",
        "card_velocity.max_count: 4, from the pack (it was 6)",
        "card_velocity.min_amount: keeps 30000, as edited (the pack says 20000)",
        f"live, in place of {pack(VELOCITY, SHARED).ruleset.revision}, control_version 3",
    ):
        assert line in said
    live = pack(STRICTER, LISTED).ruleset.revision
    (first, second) = json.loads(published("rules", "list", "--json"))
    assert [(one["revision"], one["state"]) for one in (first, second)] == [
        (live, "live"),
        (pack(VELOCITY, SHARED).ruleset.revision, "retired"),
    ]
    assert live in published("rules", "list")
    assert "stricter" in published("rules", "history")
    assert "min_amount 30000" in published("rules", "show")
    assert published("rules", "show", "--text") == pack(STRICTER, LISTED).ruleset.text
    assert "ip_shared: added" in published("rules", "diff", "live", second["revision"][:10])
    assert json.loads(published("rules", "diff", str(folder), "--json")) == []
    assert "in place of" in published("rules", "rollback", "--why", "worse")
    assert json.loads(published("rules", "show", "--json"))["revision"] == second["revision"]


def test_a_pack_that_fails_is_not_published(published: Run, folder: Path) -> None:
    before = published("rules", "list", "--json")
    (folder / "a.yml").write_text(VELOCITY.replace("not fired", "fired"))
    with pytest.raises(RiskwaveError, match="expected fired, and it did not fire"):
        published("rules", "publish", str(folder), "--why", "x")
    assert published("rules", "list", "--json") == before


def test_canary_promote_and_retire(published: Run, folder: Path) -> None:
    (folder / "c.yml").write_text(LISTED)
    revision = pack(VELOCITY, SHARED, LISTED).ruleset.revision
    assert f"{revision}: canary 10%" in published("rules", "publish", str(folder), "--canary", "10%", "--why", "x")
    assert "canary 10%" in published("rules", "list")
    assert f"canary {revision}" in published("thresholds", "list")
    assert "retired" in published("rules", "retire", revision, "--why", "y")
    move = json.loads(published("rules", "publish", str(folder), "--canary", "0.25", "--why", "x", "--json"))
    assert (move["state"], move["share"], move["pending"]) == ("canary", 0.25, False)
    assert [one["rule"] for one in move["differences"]] == ["listed_ip"]
    assert f"{revision}: live" in published("rules", "promote", "--why", "good")
    with pytest.raises(RiskwaveError, match="no canary"):
        published("rules", "promote", "--why", "again")


@pytest.mark.parametrize("flags", [["--canary", "0%"], ["--canary", "100%"], ["--canary", "x"], ["--shadow", "--live"]])
def test_a_bad_share_or_two_states_are_refused(published: Run, folder: Path, flags: list[str]) -> None:
    with pytest.raises(RiskwaveError, match="--canary"):
        published("rules", "publish", str(folder), *flags, "--why", "x")


def test_approvals_ask_for_another(published: Run, folder: Path) -> None:
    assert published("rules", "approvals") == "approvals: off\n"
    published("rules", "approvals", "required", "--why", "four eyes")
    (folder / "c.yml").write_text(LISTED)
    revision = pack(VELOCITY, SHARED, LISTED).ruleset.revision
    assert "another identity approves it" in published("rules", "publish", str(folder), "--why", "lists")
    assert "waits to be live" in published("rules", "list")
    with pytest.raises(RiskwaveError, match="cannot approve it"):
        published("rules", "approve", revision)
    assert f"{revision}: live" in published("rules", "approve", revision, "--author", "ben")


def test_the_audit_is_shown_and_verified(published: Run) -> None:
    published("thresholds", "set", "card_velocity", "max_count", "10", "--why", "a sale")
    rows = json.loads(published("rules", "audit", "--subject", "card_velocity", "--json"))
    assert rows == json.loads(published("rules", "audit", "--subject", "card_velocity.max_count", "--json"))
    assert [(row["what"], row["before"], row["after"], row["author"], row["why"]) for row in rows] == [
        ("threshold", "6", "10", "ann", "a sale")
    ]
    assert "a sale" in published("rules", "audit")
    assert "0 not sealed yet" in published("rules", "audit", "--verify")
    assert json.loads(published("rules", "audit", "--verify", "--json"))["broken"] is None


@pytest.mark.parametrize(
    ("group", "arguments"),
    [("thresholds", ["list"]), ("lists", ["show"]), ("rules", ["rollback", "--why", "x"]), ("rules", ["list"])],
)
def test_without_a_store_it_says_so(run: Run, tmp_path: Path, group: str, arguments: list[str]) -> None:
    with pytest.raises(RiskwaveError, match="no control store there; name its state"):
        run(group, *arguments)
    assert not control_path(tmp_path / "bank.duckdb").exists()


def test_every_command_has_an_example_and_json() -> None:
    for group, app in APPS.items():
        for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
            assert f"Example: riskwave {group} {name}" in command.help, name
            assert any("--json" in option.opts for option in command.params), name
