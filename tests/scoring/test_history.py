"""What is learned from: first versions of decisions, and labels with the time they arrived."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.history import History, read_history


def test_events_are_in_order_of_time_and_labels_know_when_they_arrived(bank: Path, history: History) -> None:
    with duckdb.connect(str(bank), read_only=True) as connection:
        frauds = dict(
            connection.execute(
                "select event_id, min(arrived_at) from labels where verdict = 'fraud' group by event_id"
            ).fetchall()
        )
    assert len(history) == 4000
    assert (np.diff(history.at) >= np.timedelta64(0)).all()
    arrived = {
        str(event): at.item()
        for event, at, known in zip(history.events["event_id"], history.fraud_at, history.frauds(), strict=True)
        if known
    }
    assert arrived == frauds
    assert (history.fraud_at[history.frauds()] > history.at[history.frauds()]).all()


def test_a_fraud_is_known_once_its_label_arrived_and_not_before(history: History) -> None:
    place = int(np.flatnonzero(history.frauds())[0])
    arrived = history.fraud_at[place]
    assert history.known_frauds(arrived)[place]
    assert not history.known_frauds(arrived - np.timedelta64(1, "us"))[place]
    early = history.known_frauds(history.at[0])
    assert not early.any()


def test_a_parquet_folder_reads_like_the_state(bank: Path, history: History, tmp_path: Path) -> None:
    with duckdb.connect(str(bank), read_only=True) as connection:
        for table in ("decision_input", "labels"):
            connection.execute(f"copy {table} to '{tmp_path}/{table}.parquet' (format parquet)").fetchall()
    again = read_history([str(tmp_path)])
    assert again.events.equals(history.events)
    assert np.array_equal(again.fraud_at, history.fraud_at, equal_nan=True)
    assert np.array_equal(again.episode >= 0, history.episode >= 0)


def test_the_first_version_of_a_decision_is_learned_from(bank: Path, history: History, tmp_path: Path) -> None:
    state = tmp_path / "state.duckdb"
    with duckdb.connect(str(state)) as connection:
        connection.execute(f"attach '{bank}' as bank (read_only)")
        connection.execute("create table labels as select * from bank.labels").fetchall()
        connection.execute(
            "create table decision_input as select *, 1 as version from bank.decision_input "
            "union all select * replace (card_txn_count_1h + 100 as card_txn_count_1h), 2 from bank.decision_input"
        ).fetchall()
    assert read_history([str(state)]).events.equals(history.events)


def test_several_histories_are_one_in_order_of_time(bank: Path, history: History) -> None:
    both = read_history([str(bank), str(bank)])
    assert len(both) == 2 * len(history)
    assert (np.diff(both.at) >= np.timedelta64(0)).all()
    assert len(np.unique(both.episode)) == 2 * len(np.unique(history.episode)) - 1
    assert both.frauds().sum() == 2 * history.frauds().sum()


def test_what_is_no_history_is_said(tmp_path: Path) -> None:
    with pytest.raises(RiskwaveError, match=r"nowhere: no such file or folder; expected a state"):
        read_history(["nowhere"])
    with pytest.raises(RiskwaveError, match=r"has no decision_input\.parquet"):
        read_history([str(tmp_path)])
    for name, content in (("payments.parquet", b"PAR1 and so on"), ("models.db", b"SQLite format 3\x00")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RiskwaveError, match=rf"{name}: is no history; expected a state, .*riskwave batch"):
            read_history([str(tmp_path / name)])
    with duckdb.connect(str(tmp_path / "old.duckdb")) as connection:
        connection.execute("create table decision_input (event_id varchar)")
    with pytest.raises(RiskwaveError, match=r"lacks event_ts, card_id, .* make it anew"):
        read_history([str(tmp_path / "old.duckdb")])
