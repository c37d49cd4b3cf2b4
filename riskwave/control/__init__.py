"""What changes while the engine runs: thresholds, lists and rulesets, each change versioned and audited."""

from riskwave.control.snapshot import ListEntry, RulesetInForce, Snapshot
from riskwave.control.store import Control, control_path

__all__ = ["Control", "ListEntry", "RulesetInForce", "Snapshot", "control_path"]
