"""Times as the store has them: UTC, as texts that sort as the moments do."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The machine's clock: UTC without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def stamp(moment: datetime) -> str:
    """A time without a zone is UTC."""
    plain = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    return f"{plain.isoformat(timespec='microseconds')}Z"


def moment(text: str) -> datetime:
    """UTC without a zone."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)
