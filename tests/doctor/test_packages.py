from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from riskwave.doctor import packages


def test_pins_are_read_by_normalised_name(tmp_path: Path) -> None:
    file = tmp_path / "constraints.txt"
    file.write_text("# made anew with …\nDuckDB==2.0.0\n\npytest_xdist==3.8.0  # tests\n")
    assert packages.read_pins(file) == {"duckdb": "2.0.0", "pytest-xdist": "3.8.0"}


def test_every_package_that_riskwave_runs_on_is_looked_for() -> None:
    found = {finding.name: finding for finding in packages.packages()}
    for name in ("duckdb", "dbt-core", "dbt-duckdb", "dbt-risingwave", "confluent-kafka", "psycopg", "pyarrow"):
        assert found[name].ok, name
        assert found[name].required, name
        assert found[name].found == importlib.metadata.version(name)


def test_an_extra_is_one_optional_finding() -> None:
    dev = next(finding for finding in packages.packages() if finding.name == "extra dev")
    assert not dev.required
    assert dev.ok or "lacking: " in dev.hint


def test_a_version_other_than_the_pinned_one_works_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: riskwave\n")
    (tmp_path / "constraints.txt").write_text("duckdb==2.0.99\n")
    monkeypatch.setenv("RISKWAVE_PROJECT", str(tmp_path))
    found = {finding.name: finding for finding in packages.packages()}
    assert found["duckdb"].ok
    assert found["duckdb"].hint == "works, but constraints.txt has 2.0.99"
    assert not found["pyarrow"].hint


def test_without_a_checkout_there_are_no_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKWAVE_PROJECT", str(tmp_path))
    assert packages.pins() == {}
    assert all(finding.ok for finding in packages.packages() if finding.required)


def test_this_python_will_do() -> None:
    assert packages.python().ok
