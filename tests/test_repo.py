"""The habits of the repository: what is written of it is so, and it holds no trace of one machine."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from typer.core import TyperGroup

from riskwave.catalogue import load_catalogue
from riskwave.cli import app
from riskwave.doctor.packages import read_pins
from tests.support.hygiene import faults

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
LONGEST_MODULE = 400


@cache
def files() -> list[Path]:
    """Every file that git keeps."""
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in kept.stdout.split("\0") if name and (ROOT / name).is_file()]


def pages() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


@cache
def commands() -> dict[str, Any]:
    """The commands of `riskwave` by name, those of its groups as `group command`, as typer makes them."""

    def leaves(group: TyperGroup, before: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, command in group.commands.items():
            named = f"{before}{name}"
            found |= leaves(command, f"{named} ") if isinstance(command, TyperGroup) else {named: command}
        return found

    whole = typer.main.get_command(app)
    assert isinstance(whole, TyperGroup)
    return leaves(whole, "")


# -- files ------------------------------------------------------------------------------------------------------------


def test_no_file_has_a_trace_of_one_machine() -> None:
    assert [fault for path in files() for fault in faults(path)] == []


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("uv.lock", "", "a lock file"),
        ("a.py", "x = '/{}/someone/data'".format("home"), "a path of one machine"),
        ("a.toml", "url = 'https://files.pythonhosted{}'".format(".org/x"), "the address of a registry"),
        ("requirements.txt", "--extra{} https://host".format("-index-url"), "a package index"),
        ("a.sql", "-- TO{}: later".format("DO"), "unfinished"),
    ],
)
def test_a_trace_is_found(tmp_path: Path, name: str, text: str, advice: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert [advice in fault for fault in faults(path)] == [True]


def test_no_module_is_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in files() if path.suffix == ".py"}
    assert [path for path, length in lengths.items() if length > LONGEST_MODULE] == []


def test_scripts_can_be_run() -> None:
    for path in files():
        if path.suffix not in (".py", ".sql", ".md") and path.read_bytes()[:2] == b"#!":
            assert path.stat().st_mode & 0o100, f"{path}: chmod +x"


def test_every_dependency_is_pinned_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = read_pins(ROOT / "constraints.txt")
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    for requirement in map(Requirement, wanted):
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert name in pins, f"{name}: not in constraints.txt"
        assert requirement.specifier.contains(pins[name]), f"{name}: constraints.txt has {pins[name]}"


def test_constraints_are_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+", line), line


def test_hooks_are_local() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system", hook["id"]


# -- pages ------------------------------------------------------------------------------------------------------------


def test_readme_names_every_folder_and_no_other() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in files() if path.parent != ROOT}
    named = re.findall(r"^\| `([\w.]+)/` \| \w", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(folders)


def test_readme_counts_the_columns_that_are_known() -> None:
    assert f"{len(load_catalogue())} columns are known" in (ROOT / "README.md").read_text()


def test_docs_index_links_every_page() -> None:
    index = (DOCS / "README.md").read_text()
    linked = {(DOCS / target).resolve() for target in re.findall(r"\]\(([^)#]+\.md)", index)}
    for page in pages():
        if DOCS in page.parents and page != DOCS / "README.md":
            assert page in linked, f"{page.relative_to(ROOT)}: not in docs/README.md"


def test_links_lead_somewhere() -> None:
    for page in pages():
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target and not target.startswith("mailto:"):
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: no {target}"


def test_files_that_pages_name_are_there() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in files() if path.parent != ROOT}
    for page in pages():
        for name in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", page.read_text()):
            if name.split("/")[0] in folders:
                assert (ROOT / name).exists(), f"{page.relative_to(ROOT)}: no {name}"


def test_commands_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {name.split()[0] for name in commands()}
    for page in pages():
        for block in re.findall(r"```(?:sh|bash)\n(.*?)```|`([^`\n]+)`", page.read_text(), re.DOTALL):
            text = "".join(block)
            for command in re.findall(r"(?:^|\n|bin/|&& )riskwave ([a-z]+)", text):
                assert command in known, f"{page.relative_to(ROOT)}: no command riskwave {command}"
            for target in re.findall(r"(?:^|\n)make ([a-z-]+)", text):
                assert target in targets, f"{page.relative_to(ROOT)}: no target make {target}"


# -- commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", commands())
def test_every_command_has_examples_that_parse(name: str) -> None:
    command = commands()[name]
    examples = re.findall(r"Example: riskwave (.+)", command.help or "")
    assert examples, f"riskwave {name} --help has no example"
    for example in examples:
        words, length = shlex.split(example), len(name.split())
        assert words[:length] == name.split(), example
        command.make_context(name, words[length:])


@pytest.mark.parametrize("name", commands())
def test_every_command_speaks_to_machines(name: str) -> None:
    options = {option for parameter in commands()[name].params for option in parameter.opts}
    assert "--json" in options, f"riskwave {name} has no --json"


def test_every_make_target_is_listed() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^\.PHONY: ([a-z-]+)$", makefile, re.MULTILINE):
        assert re.search(rf"^{target}:.* ## \w", makefile, re.MULTILINE), f"make {target} says nothing of itself"
