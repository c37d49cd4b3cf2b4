"""Where a RisingWave server is: from an option, from RISINGWAVE_DSN, or from the variables that dbt's profile reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from riskwave.errors import RiskwaveError
from riskwave.parity.server import connection_of, without_password


@dataclass(frozen=True)
class Address:
    """conninfo: for psycopg; schema: where the models are, None where the DSN names none; shown: without a password."""

    conninfo: str
    schema: str | None
    shown: str


def address_of(dsn: str) -> Address:
    """risingwave://user@host:port/database or postgresql://…; ?schema=name picks a schema."""
    if urlsplit(dsn).scheme not in ("risingwave", "postgresql", "postgres"):
        raise RiskwaveError(
            f"{without_password(dsn)}: expected a DSN such as risingwave://root@127.0.0.1:4566/dev?schema=public"
        )
    conninfo, schema = connection_of(dsn)
    return Address(conninfo, schema, without_password(dsn))


def deployment_address(dsn: str | None) -> Address:
    """The DSN given, else RISINGWAVE_DSN, else by what profiles.yml reads: RISINGWAVE_HOST, _PORT, _USER, and so on.

    The schema is the DSN's, else RISINGWAVE_SCHEMA, else public.
    """
    dsn = dsn or os.environ.get("RISINGWAVE_DSN")
    if not dsn:
        found = {name: os.environ.get(f"RISINGWAVE_{name}", "") for name in ("HOST", "PORT", "USER", "DATABASE")}
        password = os.environ.get("RISINGWAVE_PASSWORD", "")
        user = quote(found["USER"] or "root", safe="") + (f":{quote(password, safe='')}" if password else "")
        where = f"{found['HOST'] or '127.0.0.1'}:{found['PORT'] or '4566'}"
        dsn = f"risingwave://{user}@{where}/{quote(found['DATABASE'] or 'dev', safe='')}"
    address = address_of(dsn)
    schema = address.schema or os.environ.get("RISINGWAVE_SCHEMA") or "public"
    return Address(address.conninfo, schema, address.shown)
