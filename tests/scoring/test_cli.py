"""`riskwave models`, from training to rolling back."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from riskwave.errors import RiskwaveError
from riskwave.scoring.cli import models_app
from riskwave.scoring.registry import Registry

GROUP: Any = typer.main.get_command(models_app)


@pytest.fixture
def registry(tmp_path: Path) -> str:
    return str(tmp_path / "models.db")


def models(*arguments: str) -> str:
    result = CliRunner().invoke(models_app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_from_training_to_rolling_back(bank: Path, registry: str) -> None:
    common = ("--registry", registry, "--json")
    learned = ("train", "--algorithm", "isolation_forest", "--history", str(bank), "--param", "trees=20")
    first = json.loads(models(*learned, *common))
    assert (first["version"], first["state"], first["params"]["trees"]) == ("1.0.0", "dev", 20)
    second = json.loads(models(*learned, "--param", "sample=256", *common))
    assert second["version"] == "1.1.0"
    for version in ("1.0.0", "1.1.0"):
        assert json.loads(models("publish", version, *common))["state"] == "test"
        assert json.loads(models("promote", version, *common))["state"] == "online"
    assert json.loads(models("show", "online", *common))["version"] == "1.1.0"
    assert models("rollback", "--registry", registry) == "card 1.0.0 is online\n"
    assert models("retire", "1.1.0", "--registry", registry) == "card 1.1.0 is retired\n"
    listed = json.loads(models("list", *common))
    assert [(one["version"], one["state"]) for one in listed] == [("1.0.0", "online"), ("1.1.0", "retired")]
    assert "1.1.0" in models("list", "--registry", registry)
    with pytest.raises(RiskwaveError, match="no model nosuch; there are card"):
        models("list", "--name", "nosuch", "--registry", registry)
    assert "attacks caught" in models("show", "1.0.0", "--registry", registry)


def test_a_comparison_has_the_classics_beside(bank: Path) -> None:
    common = ("--history", str(bank), "--algorithm", "boosting", "--algorithm", "one_class_svm")
    made = json.loads(models("compare", *common, "--json"))
    lines = {line["name"]: line for line in made["lines"]}
    assert list(lines) == [
        "boosting",
        "one_class_svm",
        "logistic_regression, raw columns",
        "random_forest, raw columns",
    ]
    assert made["window"]["measured_events"] == lines["boosting"]["metrics"]["events"]
    assert lines["boosting"]["difference"] <= 1e-6
    assert all(line["event_us"] > 0 and line["batch_p99_ms"] > 0 for line in lines.values())
    page = models("compare", *common, "--markdown")
    assert len(re.findall(r"^\| .+ \|$", page, re.MULTILINE)) == 2 + len(lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--history", "none.duckdb"), "none.duckdb: no such file or folder"),
        (("train", "--history", "x", "--algorithm", "luck"), "no algorithm luck"),
        (("train", "--history", "x", "--param", "rounds"), "--param rounds: expected name=value"),
        (("train", "--history", "x", "--param", "rounds=-5"), "parameter rounds is -5, expected a number above 0"),
        (("train", "--history", "x", "--param", "nu=2", "--algorithm", "one_class_svm"), "nu is 2, expected a number"),
        (("train", "--history", "x", "--fpr", "0"), "--fpr 0: expected a share above 0 and below 1"),
        (("train", "--history", "x", "--delay", "inf"), "--delay inf: expected days, 0 or more"),
        (("train", "--history", "x", "--name", "a/b"), "--name 'a/b': expected a small letter"),
        (("train", "--history", "x", "--name", ""), "--name '': expected a small letter"),
        (("show", "online"), "no such registry of models; name the file of one"),
        (("list",), "riskwave models train --algorithm boosting"),
        (("compare",), "give either --history or --simulate"),
        (("compare", "--simulate", "1000000000", "--algorithm", "luck"), "no algorithm luck"),
    ],
)
def test_faults_are_said(arguments: tuple[str, ...], message: str, registry: str) -> None:
    where = () if arguments[0] == "compare" else ("--registry", registry)
    with pytest.raises(RiskwaveError, match=re.escape(message)):
        models(*arguments, *where)


@pytest.mark.parametrize("option", ["--delay -3", "--fpr 2", "--select 1.5", "--seed -1", "--trials 0", "--threads 0"])
def test_numbers_have_bounds(option: str, registry: str) -> None:
    arguments = ["train", "--history", "x", *option.split(), "--registry", registry]
    result = CliRunner().invoke(models_app, arguments)
    assert result.exit_code == 2
    assert f"Invalid value for '{option.split(maxsplit=1)[0]}'" in result.output


def test_an_empty_registry_says_how_to_fill_it(registry: str) -> None:
    assert not Path(registry).exists(), "looking makes none"
    Registry(registry)
    assert "riskwave models train" in models("list", "--registry", registry)


@pytest.mark.parametrize("name", GROUP.commands)
def test_every_command_has_examples_that_parse_and_speaks_to_machines(name: str) -> None:
    command = GROUP.commands[name]
    examples = re.findall(r"Example: riskwave models (.+)", command.help or "")
    assert examples
    for example in examples:
        called, *arguments = shlex.split(example)
        assert called == name
        command.make_context(name, arguments)
    assert "--json" in {option for parameter in command.params for option in parameter.opts}
