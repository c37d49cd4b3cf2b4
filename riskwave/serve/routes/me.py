"""Whose key this is, and what it may do: what a client shows and offers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from riskwave.serve.access import Caller, needs
from riskwave.serve.problems import said
from riskwave.serve.render import as_json

router = APIRouter(prefix="/v1/me", tags=["keys"])


class Me(BaseModel):
    """The key that asks, without its secret."""

    name: str = Field(description="The key's name")
    owner: str = Field(description="Who acts by it; named in the audit log")
    role: str | None = Field(None, description="Its role; null for scopes alone")
    scopes: list[str] = Field(description="What it may do")
    expires_at: datetime = Field(description="Until when, UTC")


@router.get("", response_model=Me, responses=said(), summary="Whose key this is")
def me(caller: Annotated[Caller, Depends(needs(None))]) -> Response:
    """Any valid key may ask."""
    key = caller.key
    return as_json(
        {
            "name": key.name,
            "owner": key.owner,
            "role": key.role,
            "scopes": sorted(key.scopes),
            "expires_at": key.expires_at,
        }
    )
