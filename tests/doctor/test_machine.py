from __future__ import annotations

from pathlib import Path

from riskwave.doctor import machine


def test_the_machine_is_measured(tmp_path: Path) -> None:
    assert int(machine.cores().found) >= 1
    for finding in (machine.memory(), machine.disk(tmp_path)):
        assert " GB" in finding.found, finding
        assert finding.ok or finding.hint, finding
