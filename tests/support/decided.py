"""A simulated bank's payments decided as one batch."""

from __future__ import annotations

from pathlib import Path

from riskwave.batch.batch import batch_of_inputs
from riskwave.run.cli import open_inputs


def decided(uri: str, out: Path) -> Path:
    """The file that the batch makes of `sim:…`, with its labels, profiles and devices."""
    inputs = open_inputs(uri, None, None, None, None, follow=False)
    assert inputs.labels is not None
    batch_of_inputs(inputs.source, out, labels=inputs.labels[1], profiles=inputs.profiles, devices=inputs.devices)
    return out
