"""Semantic versions of models: what changed says which number grows."""

from __future__ import annotations

import re

from riskwave.errors import RiskwaveError

FIRST = "1.0.0"


def check_name(name: str) -> None:
    """Raises RiskwaveError for what is no model's name: it stands in files' names, in decisions and in addresses."""
    if re.fullmatch("[a-z][a-z0-9_]{0,60}", name) is None:
        raise RiskwaveError(
            f"--name {name!r}: expected a small letter, then small letters, digits or _, 61 at most in all; "
            "choose another, such as card"
        )


def parts_of(version: str) -> tuple[int, int, int]:
    """Major, minor and patch, for ordering. Raises RiskwaveError for what is no version."""
    matched = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version)
    if matched is None:
        raise RiskwaveError(f"{version!r} is no version; expected major.minor.patch, such as 1.2.0")
    major, minor, patch = (int(part) for part in matched.groups())
    return major, minor, patch


def next_version(latest: str | None, *, features_changed: bool, method_changed: bool) -> str:
    """The version after the latest: major when the model reads other features, for its callers must send others;
    minor when it was trained in another way; patch when only the data are new."""
    if latest is None:
        return FIRST
    major, minor, patch = parts_of(latest)
    if features_changed:
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if method_changed else f"{major}.{minor}.{patch + 1}"
