"""The SQL console, and the audit log."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from riskwave.control.audit import entries, verify
from riskwave.serve.access import Caller, needs, service_of
from riskwave.serve.console import LONGEST, RELATIONS, ask
from riskwave.serve.problems import said
from riskwave.serve.render import as_json
from riskwave.serve.trail import write

router = APIRouter(prefix="/v1", tags=["sql and audit"])


class Question(BaseModel):
    """One SELECT."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"sql": "select action, count(*) as events from decisions group by action"}},
    )

    sql: str = Field(
        min_length=1, max_length=LONGEST, description=f"One SELECT over {', '.join(sorted(RELATIONS))}; read only"
    )
    limit: int = Field(1_000, ge=1, le=10_000, description="Rows at most")


class Rows(BaseModel):
    """What it gives."""

    columns: list[str] = Field(description="Names of the columns")
    rows: list[list[Any]] = Field(description="In their order")
    more: bool = Field(description="Whether there would be more rows")


class AuditEntry(BaseModel):
    """One row of the audit log."""

    id: int = Field(description="Its number")
    at: str = Field(description="UTC")
    author: str = Field(description="Who")
    why: str | None = Field(None, description="Why")
    what: str = Field(description="look, label, sql, threshold, list.add, ruleset, approval …")
    subject: str = Field(description="What of")
    before: str | None = Field(None, description="Before")
    after: str | None = Field(None, description="After")
    control_version: int = Field(description="What was in force")


class AuditPage(BaseModel):
    """The log, the oldest of those asked for first."""

    items: list[AuditEntry] = Field(description="The last so many")


class Verified(BaseModel):
    """Whether the log is as it was written."""

    intact: bool = Field(description="No row was changed, removed or put in between")
    rows: int = Field(description="In the log")
    unsealed: int = Field(description="Not yet hashed, at its end")
    head: str = Field(description="The last hash, to be noted elsewhere")
    broken: int | None = Field(None, description="The first row that is not as it was")


@router.post("/sql", response_model=Rows, responses=said(503), summary="Ask in SQL, read only")
def sql(request: Request, caller: Annotated[Caller, Depends(needs("sql"))], question: Question) -> Response:
    """Bounded in rows and time. What was asked is in the audit log."""
    service = service_of(request)
    settings = service.settings
    most = min(question.limit, settings.sql_rows)
    answer = ask(service.decider.reading, question.sql, most=most, limit_s=settings.sql_s, memory_mb=settings.sql_mb)
    text = " ".join(question.sql.split())
    write(service.control, who=caller.who, what="sql", subject="state", after=text[:2_000], why="asked in SQL")
    return as_json(answer)


@router.get("/audit", response_model=AuditPage, responses=said(), summary="Who did and looked at what")
def audit(
    request: Request,
    caller: Annotated[Caller, Depends(needs("audit"))],
    subject: Annotated[str | None, Query(max_length=200, description="Of this only: card:c1, a rule …")] = None,
    what: Annotated[str | None, Query(max_length=40, description="Of this kind only: look, label, threshold …")] = None,
    last: Annotated[int, Query(ge=1, le=1_000, description="How many")] = 100,
) -> Response:
    """Append-only, each row sealed by a hash over itself and the row before."""
    del caller
    with service_of(request).control.reading() as connection:
        found = entries(connection, subject=subject, what=[what] if what else [], last=last)
    return as_json({"items": [asdict(entry) for entry in found]})


@router.get("/audit/verify", response_model=Verified, responses=said(), summary="Whether the log is as it was written")
def verified(request: Request, caller: Annotated[Caller, Depends(needs("audit"))]) -> Response:
    """Hashes the whole log anew."""
    del caller
    with service_of(request).control.reading() as connection:
        found = verify(connection)
    return as_json({"intact": found.intact, **asdict(found)})
