"""Publish, approve, promote, roll back, retire: states, thresholds that are carried over, and who may."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from riskwave.control import Control
from riskwave.control.audit import entries, verify
from riskwave.control.lifecycle import approve, promote, publish, retire, rollback, set_approvals
from riskwave.control.rulesets import find_revision, known_rulesets, ruleset_history, stored_ruleset
from riskwave.control.thresholds import live_thresholds, set_threshold
from riskwave.errors import RiskwaveError
from tests.control.packs import LISTED, SHARED, STRICTER, TIGHTER, VELOCITY, pack

COUNT, AMOUNT, RATE = ("card_velocity", "max_count"), ("card_velocity", "min_amount"), ("ip_shared", "rate")
FIRST, WIDER, TIGHT, STRICT = pack(VELOCITY, SHARED), pack(VELOCITY, SHARED, LISTED), pack(TIGHTER), pack(STRICTER)
REVISION = {name: one.ruleset.revision for name, one in {"first": FIRST, "wider": WIDER, "tight": TIGHT}.items()}


def states(control: Control) -> dict[str, str]:
    return {one.revision: one.state for one in known_rulesets(control)}


def test_the_first_publish_is_live_with_its_defaults(live: Control) -> None:
    snapshot = live.snapshot()
    assert snapshot.live is not None
    assert snapshot.live.revision == REVISION["first"]
    assert snapshot.live.ruleset.text == FIRST.ruleset.text
    assert snapshot.thresholds == {COUNT: 6, AMOUNT: 20000, RATE: 0.4}
    assert (snapshot.control_version, snapshot.canary, snapshot.shadows) == (1, None, ())


def test_an_edited_value_is_kept_and_the_rest_follows_the_pack(live: Control) -> None:
    set_threshold(live, *AMOUNT, "30000", why="too many", author="ann")
    move = publish(live, STRICT, why="stricter", author="ann")
    assert {c.spec.key: (c.value, c.how) for c in move.thresholds} == {COUNT: (4, "default"), AMOUNT: (30000, "kept")}
    assert [str(c) for c in move.thresholds if c.told] == [
        "card_velocity.max_count: 4, from the pack (it was 6)",
        "card_velocity.min_amount: keeps 30000, as edited (the pack says 20000)",
    ]
    assert move.replaced == REVISION["first"]
    assert live.snapshot().thresholds == {COUNT: 4, AMOUNT: 30000}
    assert states(live) == {STRICT.ruleset.revision: "live", REVISION["first"]: "retired"}


def test_an_edit_that_is_no_longer_allowed_gives_way_to_the_pack(live: Control) -> None:
    set_threshold(live, *COUNT, "10", why="a sale", author="ann")
    (reset, _) = publish(live, TIGHT, why="tighter", author="ann").thresholds
    assert str(reset) == (
        "card_velocity.max_count: 6, from the pack; the edited 10 is not allowed there (integer, 1 to 8)"
    )
    assert live.snapshot().thresholds[COUNT] == 6


def test_a_publish_takes_one_version(live: Control) -> None:
    before = live.version
    assert publish(live, WIDER, why="lists", author="ann").control_version == before + 1
    assert live.version == before + 1


def test_what_is_live_already_is_not_published(live: Control) -> None:
    before = live.snapshot()
    for state, share in (("live", None), ("shadow", None), ("canary", 0.1)):
        with pytest.raises(RiskwaveError, match=r"is live already|is what decides now"):
            publish(live, FIRST, why="again", author="ann", state=state, share=share)
    assert live.snapshot() == before


@pytest.mark.parametrize(("state", "share"), [("canary", None), ("live", 0.1), ("canary", 1.0), ("gone", None)])
def test_a_state_must_make_sense(live: Control, state: str, share: float | None) -> None:
    with pytest.raises(RiskwaveError):
        publish(live, WIDER, why="x", state=state, share=share)


@pytest.mark.parametrize("why", ["", "  "])
def test_a_reason_is_asked_for(live: Control, why: str) -> None:
    with pytest.raises(RiskwaveError, match="--why"):
        publish(live, WIDER, why=why)


def test_a_canary_grows_and_becomes_live_with_its_own_values(live: Control) -> None:
    set_threshold(live, *AMOUNT, "30000", why="too many", author="ann")
    publish(live, WIDER, why="lists", author="ann", state="canary", share=0.1)
    canary = live.snapshot().canary
    assert canary is not None
    assert (canary.share, canary.thresholds[AMOUNT]) == (0.1, 30000)
    set_threshold(live, *COUNT, "9", why="in the canary", author="ann", revision=REVISION["wider"])
    set_threshold(live, *RATE, "0.5", why="in both", author="ann")
    assert live.snapshot().thresholds == {COUNT: 6, AMOUNT: 30000, RATE: 0.5}
    publish(live, WIDER, why="more", author="ann", state="canary", share=0.5)
    grown = live.snapshot().canary
    assert grown is not None
    assert (grown.share, grown.thresholds) == (0.5, {COUNT: 9, AMOUNT: 30000, RATE: 0.5})
    move = promote(live, why="good", author="ann")
    assert (move.before, move.replaced) == ("canary", REVISION["first"])
    after = live.snapshot()
    assert (after.live and after.live.revision, after.canary) == (REVISION["wider"], None)
    assert after.thresholds == {COUNT: 9, AMOUNT: 30000, RATE: 0.5}


def test_a_second_canary_retires_the_first_and_shadows_stay(live: Control) -> None:
    publish(live, WIDER, why="x", state="canary", share=0.1)
    publish(live, TIGHT, why="y", state="shadow")
    publish(live, STRICT, why="z", state="canary", share=0.2)
    assert states(live) == {
        REVISION["first"]: "live",
        STRICT.ruleset.revision: "canary",
        REVISION["tight"]: "shadow",
        REVISION["wider"]: "retired",
    }
    snapshot = live.snapshot()
    assert [shadow.revision for shadow in snapshot.shadows] == [REVISION["tight"]]
    found = snapshot.of(REVISION["tight"])
    assert found is snapshot.shadows[0]
    retire(live, REVISION["tight"], why="seen enough")
    assert live.snapshot().shadows == ()
    assert {one.revision for one in live_thresholds(live)} == {REVISION["first"], STRICT.ruleset.revision}


def test_rollback_goes_back_one_publish_each_with_the_thresholds_it_had(live: Control) -> None:
    set_threshold(live, *COUNT, "10", why="a sale", author="ann")
    first = live.snapshot()
    publish(live, WIDER, why="lists", author="ann")
    set_threshold(live, *COUNT, "12", why="more", author="ann")
    second = live.snapshot()
    publish(live, TIGHT, why="tighter", author="ann")
    move = rollback(live, why="worse", author="sre")
    assert (move.revision, move.replaced) == (REVISION["wider"], REVISION["tight"])
    assert live.snapshot().live == second.live
    rollback(live, why="still bad", author="sre")
    assert live.snapshot().live == first.live
    with pytest.raises(RiskwaveError, match="no revision was live before"):
        rollback(live, why="even more", author="sre")
    rollback(live, why="forward again", author="sre", to=REVISION["tight"])
    assert live.snapshot().thresholds[COUNT] == 6


def test_rollback_restores_what_was_live_not_what_was_tried_since(live: Control) -> None:
    publish(live, WIDER, why="lists", author="ann")
    publish(live, FIRST, why="once more, to watch", author="ann", state="shadow")
    set_threshold(live, *COUNT, "99", why="try", author="ann", revision=REVISION["first"])
    rollback(live, why="worse", author="sre")
    assert live.snapshot().thresholds[COUNT] == 6
    assert live.snapshot().shadows == ()


@pytest.mark.parametrize(("to", "said"), [("card-000000000000", "no such"), ("tight", "never live"), ("first", "live")])
def test_rollback_goes_only_where_it_can(live: Control, to: str, said: str) -> None:
    publish(live, TIGHT, why="watch", state="shadow")
    with pytest.raises(RiskwaveError, match=said):
        rollback(live, why="x", to=REVISION.get(to, to))


def test_with_approvals_another_identity_must_approve(live: Control) -> None:
    set_approvals(live, "required", why="four eyes", author="boss")
    before = live.snapshot()
    move = publish(live, WIDER, why="lists", author="ann")
    assert move.pending
    assert live.snapshot() == before
    assert not live.changed()
    (waiting,) = [one for one in known_rulesets(live) if one.waits_for]
    assert (waiting.revision, waiting.state, waiting.waits_for) == (REVISION["wider"], "draft", "live")
    for same in ("ann", "Ann"):
        with pytest.raises(RiskwaveError, match="asked for it and cannot approve it"):
            approve(live, REVISION["wider"], author=same)
    assert live.snapshot() == before
    set_threshold(live, *COUNT, "10", why="meanwhile", author="ann")
    approve(live, REVISION["wider"], author="ben")
    after = live.snapshot()
    assert after.live is not None
    assert after.live.revision == REVISION["wider"]
    assert after.thresholds[COUNT] == 10
    with pytest.raises(RiskwaveError, match="nothing waits"):
        approve(live, REVISION["wider"], author="ben")
    with live.reading() as connection:
        what = [(row.what, row.author, row.after) for row in entries(connection, subject=REVISION["wider"])]
        assert verify(connection).intact
    assert what == [
        ("ruleset", "ann", "draft"),
        ("approval", "ann", "pending: live"),
        ("approval", "ben", "live, approved by ben"),
        ("ruleset", "ben", "live"),
    ]


def test_approvals_hold_for_promote_and_not_for_rollback(live: Control) -> None:
    publish(live, WIDER, why="lists", author="ann", state="canary", share=0.1)
    set_approvals(live, "required", why="four eyes", author="boss")
    assert promote(live, why="good", author="ann").pending
    assert states(live)[REVISION["wider"]] == "canary"
    approve(live, REVISION["wider"], author="ben")
    assert states(live)[REVISION["wider"]] == "live"
    assert not rollback(live, why="now", author="ann").pending
    assert states(live)[REVISION["first"]] == "live"


def test_a_new_request_replaces_the_one_before_and_retire_withdraws(live: Control) -> None:
    set_approvals(live, "required", why="four eyes", author="boss")
    publish(live, WIDER, why="live at once", author="ann")
    publish(live, WIDER, why="or rather slowly", author="ann", state="canary", share=0.1)
    approve(live, REVISION["wider"], author="ben")
    assert states(live)[REVISION["wider"]] == "canary"
    publish(live, TIGHT, why="tighter", author="ann")
    retire(live, REVISION["tight"], why="no", author="ben")
    with pytest.raises(RiskwaveError, match="nothing waits"):
        approve(live, REVISION["tight"], author="ben")


@pytest.mark.parametrize("revision", ["first", "card-000000000000"])
def test_what_is_live_or_unknown_is_not_retired(live: Control, revision: str) -> None:
    with pytest.raises(RiskwaveError):
        retire(live, REVISION.get(revision, revision), why="x")


def test_nothing_is_half_published(live: Control) -> None:
    """A fault in the middle of a publish leaves what was."""
    before, rulesets = live.snapshot(), known_rulesets(live)
    live.query("create temp trigger fault before delete on main.thresholds begin select raise(abort, 'fault'); end")
    with pytest.raises(RiskwaveError, match="fault"):
        publish(live, WIDER, why="lists")
    assert live.snapshot() == before
    assert known_rulesets(live) == rulesets


def test_history_and_names(live: Control) -> None:
    publish(live, WIDER, why="lists", author="ann")
    spells = [(one.revision, one.state, one.until_version) for one in ruleset_history(live) if one.state != "draft"]
    assert spells == [
        (REVISION["first"], "live", 2),
        (REVISION["first"], "retired", None),
        (REVISION["wider"], "live", None),
    ]
    assert find_revision(live, "live") == REVISION["wider"]
    assert find_revision(live, REVISION["first"][:-4]) == REVISION["first"]
    assert stored_ruleset(live, REVISION["first"]).text == FIRST.ruleset.text
    for named, said in (("canary", "no such"), ("card-", "more than one"), ("%", "no such")):
        with pytest.raises(RiskwaveError, match=said):
            find_revision(live, named)


def test_the_first_start_publishes_the_pack_and_later_ones_do_not(tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "velocity.yml").write_text(VELOCITY)
    path = tmp_path / "bank.duckdb.control"
    with Control.open(path, initial=folder, author="ann") as control:
        assert control.changed()
        first = control.snapshot()
        assert first.live is not None
        assert first.live.revision == pack(VELOCITY).ruleset.revision
        set_threshold(control, *COUNT, "10", why="a sale")
    (folder / "velocity.yml").write_text(STRICTER)
    with Control.open(path, initial=folder) as control:
        again = control.snapshot()
        assert again.live is not None
        assert (again.live.revision, again.thresholds[COUNT]) == (first.live.revision, 10)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (VELOCITY.replace("card_txn_count_10m >=", "card_txn_cnt_10m >="), "did you mean card_txn_count_10m"),
        (VELOCITY.replace("expect: not fired", "expect: fired"), "expected fired, and it did not fire"),
    ],
)
def test_a_bad_pack_does_not_start_a_store(tmp_path: Path, text: str, said: str) -> None:
    file, path = tmp_path / "card.yml", tmp_path / "bank.duckdb.control"
    file.write_text(text)
    with pytest.raises(RiskwaveError, match=said):
        Control.open(path, initial=file)
    with Control.open(path, read_only=True) as control:
        assert control.is_empty


def test_whoever_opens_the_audit_finds_what_was_tampered_with(live: Control) -> None:
    set_threshold(live, *COUNT, "10", why="a sale", author="ann")
    publish(live, WIDER, why="lists", author="ann")
    with live.reading() as connection:
        whole = verify(connection)
        assert (whole.intact, whole.unsealed) == (True, 0)
        row = next(row for row in entries(connection) if row.what == "threshold")
    for sql in (
        f"update audit set author = 'nobody' where id = {row.id}",
        f"delete from audit where id = {row.id}",
        f"update audit_seals set hash = 'x' where id = {row.id}",
        f"delete from audit_seals where id = {row.id}",
    ):
        connection = sqlite3.connect(":memory:")
        live._connection.backup(connection)
        for (trigger,) in connection.execute(
            "select name from sqlite_master where type = 'trigger' and name glob 'audit*'"
        ).fetchall():
            connection.execute(f"drop trigger {trigger}")
        connection.execute(sql)
        found = verify(connection)
        connection.close()
        assert found.broken == row.id
