"""What a key may do: scopes, and the roles that are sets of them."""

from __future__ import annotations

from collections.abc import Iterable

from riskwave.errors import RiskwaveError

#: Each scope, and what it lets its holder do.
SCOPES = {
    "decide": "ask for decisions and hand in events",
    "read": "see decisions, features, rules, thresholds, lists and models; tokens are masked",
    "look": "see whose they are: tokens as they are, and the history of an entity; every look is audited",
    "label": "say what an event turned out to be",
    "triage": "take, assign, snooze and close alerts",
    "try": "try rules, thresholds and models on a copy of the history",
    "tune": "change thresholds and lists",
    "draft": "hand in rulesets and ask for their publication",
    "approve": "approve what another asked for, roll back, retire",
    "sql": "ask in SQL, read only",
    "audit": "read and verify the audit log",
    "metrics": "read /metrics",
}

_VIEWER = ("read", "metrics")
_INVESTIGATOR = (*_VIEWER, "look", "label", "triage")
_ANALYST = (*_INVESTIGATOR, "try", "tune", "draft", "sql")
_APPROVER = (*_VIEWER, "look", "try", "approve", "audit")

#: The scopes of each role. Whoever drafts does not approve: an approver is another person.
ROLES: dict[str, frozenset[str]] = {
    "viewer": frozenset(_VIEWER),
    "investigator": frozenset(_INVESTIGATOR),
    "analyst": frozenset(_ANALYST),
    "approver": frozenset(_APPROVER),
    "admin": frozenset(SCOPES),
}


def scopes_of(role: str | None, only: Iterable[str] = ()) -> frozenset[str]:
    """The scopes of a key with a role, or with some scopes of it, or with scopes alone.

    Raises RiskwaveError for an unknown role or scope, and for a scope that the role has not.
    """
    if role is not None and role not in ROLES:
        raise RiskwaveError(f"--role {role}: no such role; expected one of {', '.join(ROLES)}")
    asked = frozenset(only)
    unknown = sorted(asked - set(SCOPES))
    if unknown:
        raise RiskwaveError(f"--scope {unknown[0]}: no such scope; expected one of {', '.join(SCOPES)}")
    if role is None:
        if not asked:
            raise RiskwaveError("a key needs --role, or --scope, or both: the role's scopes that it shall have")
        return asked
    beyond = sorted(asked - ROLES[role])
    if beyond:
        raise RiskwaveError(f"--scope {beyond[0]}: role {role} has {', '.join(sorted(ROLES[role]))}")
    return asked or ROLES[role]
