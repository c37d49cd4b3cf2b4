"""Tokens as those see them who need not know whose they are."""

from __future__ import annotations

from typing import Any

#: Fields that say who paid or from where.
PERSONAL = ("card_id", "account_id", "customer_id", "device_id", "ip")


def masked(token: str) -> str:
    """The last four characters, of a long one; enough to tell two apart, and not to look one up."""
    return f"***{token[-4:]}" if len(token) >= 8 else "***"


def without_tokens(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its personal fields masked, in the reasons too."""
    hidden = {name: row[name] for name in PERSONAL if isinstance(row.get(name), str)}
    if not hidden:
        return row
    shown = {**row, **{name: masked(token) for name, token in hidden.items()}}
    if row.get("reasons"):
        reasons = list(row["reasons"])
        for token in hidden.values():
            reasons = [reason.replace(token, masked(token)) for reason in reasons]
        shown["reasons"] = reasons
    return shown
