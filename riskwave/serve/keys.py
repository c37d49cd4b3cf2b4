"""API keys: hashed, scoped, expiring; one SQLite file beside the state, written by the CLI, read by the server."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock

from riskwave.errors import RiskwaveError
from riskwave.serve.scopes import scopes_of

PREFIX = "rwk"
#: Seconds after which the file is looked at again: another process revokes a key, and that is "at once".
LOOK_S = 0.02
_TABLES = """
create table if not exists keys (
    id text primary key,
    name text not null,
    owner text not null,
    role text,
    scopes text not null,
    hash text not null,
    rate real,
    created_at text not null,
    expires_at text not null,
    revoked_at text
);
"""
_COLUMNS = "id, name, owner, role, scopes, rate, created_at, expires_at, revoked_at"


def keys_path(state: Path) -> Path:
    """The keys of a state's server: `bank.duckdb.keys` beside `bank.duckdb`."""
    return Path(f"{state}.keys")


@dataclass(frozen=True)
class Key:
    """A key without its secret. owner: who acts by it; rate: requests a second, None for the server's; times UTC."""

    id: str
    name: str
    owner: str
    role: str | None
    scopes: frozenset[str]
    rate: float | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """valid, expired or revoked."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return "revoked"
        return "expired" if self.expires_at <= now else "valid"


class Keys:
    """The keys of a server."""

    def __init__(self, path: Path) -> None:
        """Open the file, made when it is not there. Raises RiskwaveError when it cannot be used."""
        self.path = path
        self._lock = RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            made = not path.exists()
            self._connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            if made:
                path.chmod(0o600)
            self._connection.execute("pragma journal_mode = wal")
            self._connection.executescript(_TABLES)
        except (sqlite3.Error, OSError) as error:
            raise RiskwaveError(f"{path}: cannot be opened as a file of keys ({error})") from error
        self._seen = -1
        self._looked = 0.0
        self._known: dict[str, tuple[str, Key]] = {}

    def create(
        self,
        name: str,
        *,
        owner: str,
        role: str | None = None,
        scopes: tuple[str, ...] = (),
        valid_for: timedelta = timedelta(days=90),
        rate: float | None = None,
    ) -> tuple[Key, str]:
        """A new key, and its token, which is told once and kept nowhere.

        Raises RiskwaveError for a name that a valid key has, and for a role or scope that there is not.
        """
        now = _now()
        granted = scopes_of(role, scopes)
        with self._lock:
            if any(key.name == name and key.state(now) == "valid" for key in self.all()):
                raise RiskwaveError(f"{name}: a valid key has that name; rotate or revoke it, or choose another name")
            return self._add(name, owner, role, granted, rate, now, now + valid_for)

    def rotate(self, name: str, *, grace: timedelta, valid_for: timedelta) -> tuple[Key, str]:
        """Another token for a key; the one before ends after `grace`. Raises RiskwaveError for an unknown key."""
        now = _now()
        with self._lock:
            old = self._find(name, now)
            until = min(old.expires_at, now + grace)
            self._connection.execute("update keys set expires_at = ? where id = ?", [until.isoformat(), old.id])
            return self._add(old.name, old.owner, old.role, old.scopes, old.rate, now, now + valid_for)

    def revoke(self, name: str) -> list[Key]:
        """End a key's tokens at once, by name or id. Raises RiskwaveError for an unknown key."""
        now = _now()
        with self._lock:
            self._find(name, now)
            self._connection.execute(
                "update keys set revoked_at = ? where (name = ? or id = ?) and revoked_at is null",
                [now.isoformat(), name, name],
            )
            return [key for key in self.all() if name in (key.name, key.id)]

    def all(self) -> list[Key]:
        """Every key there ever was, oldest first."""
        with self._lock:
            rows = self._connection.execute(f"select {_COLUMNS} from keys order by created_at, id").fetchall()
        return [_key(row) for row in rows]

    def find(self, token: str) -> Key | None:
        """The key of a token, valid or not; None where there is none. Microseconds, mostly."""
        prefix, _, rest = token.partition("_")
        name, _, secret = rest.partition("_")
        if prefix != PREFIX or not secret:
            return None
        with self._lock:
            if name not in self._known or self._seen < 0 or time.monotonic() - self._looked > LOOK_S:
                self._look()
            found = self._known.get(name)
        if found is None or not hmac.compare_digest(found[0], _hash(token)):
            return None
        return found[1]

    def _look(self) -> None:
        """Read the keys again, where the file was written since."""
        seen = self._connection.execute("pragma data_version").fetchone()[0]
        if seen != self._seen:
            rows = self._connection.execute(f"select hash, {_COLUMNS} from keys").fetchall()
            self._known = {row[1]: (row[0], _key(row[1:])) for row in rows}
            self._seen = seen
        self._looked = time.monotonic()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _add(
        self,
        name: str,
        owner: str,
        role: str | None,
        scopes: frozenset[str],
        rate: float | None,
        now: datetime,
        until: datetime,
    ) -> tuple[Key, str]:
        token = f"{PREFIX}_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
        row = (
            token.split("_")[1],
            name,
            owner,
            role,
            json.dumps(sorted(scopes)),
            rate,
            now.isoformat(),
            until.isoformat(),
            None,
        )
        self._connection.execute(
            f"insert into keys ({_COLUMNS}, hash) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [*row, _hash(token)]
        )
        self._seen = -1
        return _key(row), token

    def _find(self, name: str, now: datetime) -> Key:
        found = [key for key in self.all() if name in (key.name, key.id)]
        valid = [key for key in found if key.state(now) == "valid"]
        if not valid:
            why = f"is {found[-1].state(now)}" if found else "no such key"
            raise RiskwaveError(f"{name}: {why}; `riskwave keys list` shows those there are")
        return valid[-1]


def _hash(token: str) -> str:
    """A token has 256 random bits: no salt and no slow hash could make it harder to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _key(row: tuple[object, ...]) -> Key:
    key_id, name, owner, role, scopes, rate, created, expires, revoked = row
    return Key(
        str(key_id),
        str(name),
        str(owner),
        None if role is None else str(role),
        frozenset(json.loads(str(scopes))),
        None if rate is None else float(str(rate)),
        datetime.fromisoformat(str(created)),
        datetime.fromisoformat(str(expires)),
        None if revoked is None else datetime.fromisoformat(str(revoked)),
    )
