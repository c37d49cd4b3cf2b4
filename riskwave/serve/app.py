"""The ASGI application."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from riskwave import __version__
from riskwave.contracts import Transaction
from riskwave.errors import RiskwaveError
from riskwave.serve.access import BEARER
from riskwave.serve.front import Front
from riskwave.serve.problems import Problem, ProblemError, on_problem
from riskwave.serve.routes import (
    alerts,
    asking,
    catalogue,
    decisions,
    entities,
    health,
    insights,
    jobs,
    labels,
    me,
    models,
    rulesets,
    tuning,
    why,
)
from riskwave.serve.service import Service

PARTS = (why, decisions, alerts, entities, labels, tuning, rulesets, jobs, insights, models, catalogue, asking, me)
ROUTERS = tuple(part.router for part in PARTS)


def create_app(service: Service) -> FastAPI:
    """The API over a service, which whoever opened it starts and closes."""

    app = FastAPI(
        title="Riskwave",
        version=__version__,
        summary="Decisions on payments, and what is known of them",
        # Its page would load scripts from outside.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.include_router(health.router)
    app.include_router(health.counters, dependencies=[Depends(BEARER)])
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(BEARER)])
    for kind in (ProblemError, RequestValidationError, HTTPException, RiskwaveError, Exception):
        app.add_exception_handler(kind, on_problem)
    app.add_middleware(Front, longest=service.settings.body_bytes)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The document, with the models that routes name by reference."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes, openapi_version="3.1.0"
        )
        schemas = document["components"]["schemas"]
        for model in (Transaction, Problem):
            made = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(made.pop("$defs", {}))
            schemas[model.__name__] = made
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema
