"""The routes file: which alerts are told to whom, and how often."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from riskwave.errors import RiskwaveError

_SPAN = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_VARIABLE = re.compile(r"\$\{(\w+)\}")
Action = Literal["challenge", "review", "block"]
Severity = Literal["P0", "P1", "P2"]
Entity = Literal["card", "device", "ip", "merchant"]


def _span(given: Any) -> Any:
    found = _SPAN.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        raise ValueError(f"{given!r} is no span of time; expected one such as 30s, 15m, 2h, 1d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


Span = Annotated[timedelta, BeforeValidator(_span), Field(ge=timedelta(0), le=timedelta(days=365))]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReceiverPart(_Part):
    """Whom to tell. url: as apprise has it (e-mail, chat, SMS); webhook: an address that takes JSON.

    ${NAME} in any of them is the environment's: secrets stand nowhere else. secret: signs what a webhook is told;
    tokens: whether it is told cards, devices and addresses as they are, not masked.
    """

    url: str | None = None
    webhook: str | None = None
    secret: str | None = None
    tokens: bool = False

    @model_validator(mode="after")
    def _one(self) -> ReceiverPart:
        if (self.url is None) == (self.webhook is None):
            raise ValueError("expected either `url:` (apprise) or `webhook:`")
        if self.secret is not None and self.webhook is None:
            raise ValueError("secret: signs what a webhook is told; expected `webhook:` beside it")
        for name in ("url", "secret"):
            text = getattr(self, name)
            if text is not None and not _VARIABLE.search(text) and (name == "secret" or "@" in text):
                raise ValueError(f"{name}: holds a secret; put it in the environment and write ${{NAME}} in its place")
        return self


class Step(_Part):
    """Whom else to tell when nobody has acted on an alert so long after it was raised."""

    after: Span
    to: list[str] = Field(min_length=1)


class Route(_Part):
    """Which alerts, to whom, how often. An alert goes by the first route that it fits; what is left out fits all.

    group_by: alerts of one card, device, ip or merchant are told of together; wait: how long the first of them waits
    for others; every: how long a group is not told of again; most, per: notifications of the route in a span of time:
    beyond that, what comes is told of in a digest when there is room.
    """

    name: str = Field(min_length=1, max_length=64)
    severity: list[Severity] = Field([], description="Any of them")
    actions: list[Action] = []
    rules: list[str] = []
    to: list[str] = Field(min_length=1)
    group_by: Entity = "card"
    wait: Span = timedelta(seconds=5)
    every: Span = timedelta(minutes=10)
    most: int = Field(30, ge=1)
    per: Span = timedelta(hours=1)
    escalate: list[Step] = []

    def fits(self, severity: str, action: str, rules: list[str]) -> bool:
        """Whether an alert goes by it; rules may be patterns such as card_*."""
        return (
            (not self.severity or severity in self.severity)
            and (not self.actions or action in self.actions)
            and (not self.rules or any(fnmatchcase(rule, each) for rule in rules for each in self.rules))
        )


class Retry(_Part):
    """What is not taken is sent again after `first`, then twice as long each time up to `longest`, until `give_up`."""

    first: Span = timedelta(seconds=1)
    longest: Span = timedelta(minutes=5)
    give_up: Span = timedelta(days=3)


class Routes(_Part):
    """A routes file."""

    receivers: dict[str, ReceiverPart] = Field(min_length=1)
    routes: list[Route] = Field(min_length=1)
    retry: Retry = Retry()

    @model_validator(mode="after")
    def _whole(self) -> Routes:
        names = [route.name for route in self.routes]
        for place, route in enumerate(self.routes):
            if route.name in names[:place]:
                raise ValueError(f"routes.{place}.name: two routes are called {route.name}")
            for name in [*route.to, *(name for step in route.escalate for name in step.to)]:
                if name not in self.receivers:
                    raise ValueError(
                        f"routes.{place} ({route.name}): no receiver {name}; there are {', '.join(self.receivers)}"
                    )
            spans = [step.after for step in route.escalate]
            if spans != sorted(set(spans)):
                raise ValueError(f"routes.{place}.escalate: expected each step later than the one before")
        return self

    def route_of(self, severity: str, action: str, rules: list[str]) -> Route | None:
        """The first route that an alert fits."""
        return next((route for route in self.routes if route.fits(severity, action, rules)), None)

    def named(self, name: str | None) -> Route | None:
        """A route by its name."""
        return next((route for route in self.routes if route.name == name), None)


def load_routes(path: Path) -> Routes:
    """The routes in a YAML file. Raises RiskwaveError naming file, field and what was expected."""
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not valid UTF-8"
        raise RiskwaveError(f"{path}: the routes cannot be read: {reason}") from fault
    except yaml.YAMLError as fault:
        raise RiskwaveError(f"{path}: not valid YAML: {' '.join(str(fault).split())}") from fault
    if not isinstance(given, dict):
        raise RiskwaveError(f"{path}: expected `receivers:` and `routes:` (docs/alerts.md)")
    try:
        return Routes.model_validate(given)
    except ValidationError as fault:
        raise RiskwaveError(f"{path}: {_first(fault)}") from None


def filled(text: str, where: str, environment: Mapping[str, str] = os.environ) -> str:
    """A text with its ${NAME} replaced. Raises RiskwaveError naming a variable that there is not, never a value."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if not environment.get(name):
            raise RiskwaveError(f"{where}: the environment has no {name}; set it, it is never kept")
        return environment[name]

    return _VARIABLE.sub(value, text)


def secrets_of(part: ReceiverPart, environment: Mapping[str, str] = os.environ) -> list[str]:
    """What no log and no error may show."""
    names = _VARIABLE.findall(" ".join(filter(None, (part.url, part.webhook, part.secret))))
    return [environment[name] for name in names if environment.get(name)]


def is_address(url: str) -> bool:
    """Whether a webhook can be called there."""
    return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)


def _first(fault: ValidationError) -> str:
    """The first fault in one line; values are not repeated, they may be secrets."""
    first = fault.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    said = " ".join(first["msg"].removeprefix("Value error, ").split())
    return f"{where}: {said}" if where else said
