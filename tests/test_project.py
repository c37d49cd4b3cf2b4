"""The compiled project's cache."""

from __future__ import annotations

from pathlib import Path

from riskwave.project import keep


def test_a_folder_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    """As in a container whose root file system is read-only."""
    (tmp_path / "target").write_text("a file where a folder would be")
    keep(tmp_path / "target" / "riskwave" / "compiled.json", "[]")
    keep(tmp_path / "other" / "compiled.json", "[]")
    assert [path.name for path in tmp_path.rglob("*")] == ["target", "other", "compiled.json"]
