"""The catalogue: every column of decision_input is described, typed as it is, and traced to the sources."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import typer
import yaml
from typer.testing import CliRunner

from riskwave import catalogue
from riskwave.catalogue import Feature, docs_page, load_catalogue, of_entity
from riskwave.catalogue_cli import features_command
from riskwave.errors import RiskwaveError
from riskwave.project import compiled_project, project_dir

#: Columns that are no features: kept for the windows over them, or saying where an event came from.
KEPT = {"card_gap_ms", "card_session_started_at", "source", "source_partition", "source_offset"}


@pytest.fixture(scope="module")
def features() -> dict[str, Feature]:
    return {feature.name: feature for feature in load_catalogue()}


def test_every_column_is_a_feature_or_known_to_be_none(features: dict[str, Feature]) -> None:
    columns = sqlglot.parse_one(compiled_project().models["decision_input"].sql, read="duckdb").named_selects
    assert [name for name in columns if name not in KEPT] == list(features)


def test_every_feature_is_described(features: dict[str, Feature]) -> None:
    for feature in features.values():
        assert feature.description, feature.name
        assert feature.unit, feature.name
        assert feature.lineage, feature.name


def test_names_tell_entity_and_window(features: dict[str, Feature]) -> None:
    for feature in features.values():
        if feature.entity != "event":
            assert feature.name.startswith(f"{feature.entity}_"), feature.name
        last = feature.name.rsplit("_", 1)[-1]
        if last in {"1m", "5m", "10m", "30m", "1h", "24h", "7d", "30d"}:
            assert feature.window == last, feature.name


def test_docs_page_is_fresh(features: dict[str, Feature]) -> None:
    page = project_dir() / "docs" / "features.md"
    assert page.read_text() == docs_page(list(features.values())), (
        "docs/features.md is stale; run riskwave features --docs docs/features.md"
    )


@pytest.mark.parametrize(
    ("name", "lineage"),
    [
        ("amount_minor", {"payments.amount_minor"}),
        # what the windows group and order by is part of the value
        ("card_txn_count_10m", {"payments.card_id", "payments.event_ts"}),
        (
            "card_amount_sum_1h",
            {
                "payments.card_id",
                "payments.event_ts",
                "payments.billing_amount_minor",
                "payments.amount_minor",
            },
        ),
        ("merchant_txn_count_10m", {"payments.merchant_id", "payments.event_ts", "payments.transmitted_ts"}),
        (
            "profile_segment",
            {
                "card_profiles.segment",
                "card_profiles.card_id",
                "card_profiles.valid_from",
                "payments.card_id",
                "payments.event_ts",
            },
        ),
        # labels count by verdict and arrival, once a payment, which they find by its id
        (
            "ip_fraud_rate_30d",
            {
                "labels.verdict",
                "labels.arrived_at",
                "labels.event_id",
                "payments.event_id",
                "payments.event_ts",
                "payments.ip",
                "payments.merchant_id",
                "payments.transmitted_ts",
            },
        ),
    ],
)
def test_lineage_reaches_the_source_columns(features: dict[str, Feature], name: str, lineage: set[str]) -> None:
    assert set(features[name].lineage) == lineage


def test_labels_reach_the_fraud_rates_only(features: dict[str, Feature]) -> None:
    labelled = {f.name for f in features.values() if any(column.startswith("labels.") for column in f.lineage)}
    assert labelled == {"ip_fraud_rate_30d", "merchant_fraud_rate_30d"}


def test_of_entity_names_the_entities() -> None:
    with pytest.raises(RiskwaveError, match="no entity cards; expected one of event, card, "):
        of_entity([], "cards")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "card_txn_count_2m"}, "decision_input has no column card_txn_count_2m"),
        ({"description": ""}, "feature card_txn_count_1m has no description"),
        ({"meta": {"unit": None}}, "feature card_txn_count_1m has no unit"),
        ({"meta": {"entity": "kart"}}, "feature card_txn_count_1m is of entity kart; expected event, card"),
    ],
)
def test_a_badly_described_column_is_named(
    change: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = project_dir() / "models" / "decisions" / "decision_input.yml"
    described = yaml.safe_load(real.read_text())
    column = next(c for c in described["models"][0]["columns"] if c["name"] == "card_txn_count_1m")
    meta = change.get("meta", {})
    column.update({key: value for key, value in change.items() if key != "meta"})
    column["config"]["meta"].update(meta)
    compiled = compiled_project()
    monkeypatch.setattr(catalogue, "compiled_project", lambda target: compiled)
    monkeypatch.setattr(catalogue, "project_dir", lambda: tmp_path)
    file = tmp_path / "models" / "decisions" / "decision_input.yml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(described))
    with pytest.raises(RiskwaveError, match=message):
        load_catalogue.__wrapped__()


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command("features")(features_command)
    return app


def test_command_lists_one_entity(command: typer.Typer) -> None:
    shown = CliRunner().invoke(command, ["--entity", "device"])
    assert shown.exit_code == 0
    assert "device_txn_count_10m  bigint, payments, over 10m" in shown.stdout
    assert "card_txn_count_10m" not in shown.stdout


def test_command_prints_json(command: typer.Typer, features: dict[str, Feature]) -> None:
    shown = CliRunner().invoke(command, ["--json"])
    assert json.loads(shown.stdout) == [feature.as_dict() for feature in features.values()]


def test_command_writes_the_page(command: typer.Typer, tmp_path: Path) -> None:
    page = tmp_path / "features.md"
    shown = CliRunner().invoke(command, ["--docs", str(page), "--entity", "ip"])
    assert shown.exit_code == 0
    assert page.read_text() == (project_dir() / "docs" / "features.md").read_text()


def test_a_page_that_cannot_be_written_is_named(command: typer.Typer, tmp_path: Path) -> None:
    shown = CliRunner().invoke(command, ["--docs", str(tmp_path / "no" / "features.md")])
    assert isinstance(shown.exception, RiskwaveError)
    assert "cannot write the docs page" in str(shown.exception)
