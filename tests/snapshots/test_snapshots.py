"""The SQL each engine gets is the SQL last looked at: a change of a model or macro shows as a diff.

After a change that is meant: `make snapshots` (`python -m tests.snapshots`), and look at the diff.
"""

from __future__ import annotations

import difflib

import pytest

from tests.snapshots.compiled import FOLDER, TARGETS, compiled_models, snapshot


@pytest.mark.parametrize("target", TARGETS)
def test_compiled_models_are_their_snapshots(target: str) -> None:
    compiled = compiled_models(target)
    kept = {path.stem: path.read_text() for path in (FOLDER / target).glob("*.sql")}
    assert sorted(kept) == sorted(compiled), "models came or went: run `make snapshots`"
    changed = [
        line
        for model, sql in compiled.items()
        for line in difflib.unified_diff(
            kept[model].splitlines(), sql.splitlines(), str(snapshot(target, model)), "now", lineterm="", n=1
        )
    ]
    assert not changed, "\n".join(["run `make snapshots` if this is meant:", *changed])


def test_no_model_differs_but_through_macros() -> None:
    """What a model says itself, engine by engine, is decided in macros/ alone."""
    models = FOLDER.parents[1] / "models"
    asked = [path.name for path in models.rglob("*.sql") if "target." in path.read_text()]
    assert not asked, f"models that ask for the target: {asked}"
