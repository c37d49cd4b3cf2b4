"""What a batch came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass
class Outcome:
    """What a batch came to: rows received, duplicates, rejected, decided, superseding; first actions; rows written."""

    received: int = 0
    duplicates: int = 0
    rejected: int = 0
    decided: int = 0
    superseding: int = 0
    actions: dict[str, int] = field(default_factory=dict)
    rows: Mapping[str, pa.Table] = field(default_factory=dict)
