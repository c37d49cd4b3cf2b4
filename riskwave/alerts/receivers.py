"""Those who are told: webhooks, and everything that apprise reaches."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
import warnings
from collections.abc import Mapping
from typing import Any, Protocol

from riskwave.alerts.message import Message
from riskwave.alerts.routes import ReceiverPart, Routes, filled, is_address, secrets_of
from riskwave.errors import RiskwaveError
from riskwave.plain_json import dumps
from riskwave.serve.signing import signed

TIMEOUT_S = 10.0
#: Answers by which a receiver says that it does not want this one; others say that it cannot take any now.
REFUSED = frozenset((400, 404, 405, 410, 413, 415, 422))


class UndeliveredError(Exception):
    """A notification was not taken. refused: the receiver is there and does not take this one."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class Receiver(Protocol):
    """Somebody who is told."""

    tokens: bool

    def send(self, message: Message) -> None:
        """Tell; returns once it was taken. Raises UndeliveredError otherwise, with no secret in what it says."""


class WebhookReceiver:
    """An address that takes JSON; `Idempotency-Key` tells it what it has already."""

    def __init__(self, url: str, secret: bytes | None, *, tokens: bool) -> None:
        self._url, self._secret, self.tokens = url, secret, tokens

    def send(self, message: Message) -> None:
        """Post it, signed as the decisions' webhook is where there is a secret."""
        body = dumps(message.as_json())
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
        if self._secret is not None:
            headers |= signed(body, self._secret)
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - checked when opened
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                answer.read(1)
        except urllib.error.HTTPError as fault:
            fault.close()
            raise UndeliveredError(f"it answers {fault.code}", refused=fault.code in REFUSED) from None
        except OSError as fault:
            raise UndeliveredError(str(getattr(fault, "reason", fault))) from None


class AppriseReceiver:
    """E-mail, chat, SMS: whatever apprise has a URL for."""

    def __init__(self, about: str, url: str, secrets: list[str], *, tokens: bool) -> None:
        """Raises RiskwaveError when apprise is not installed, or does not know such a URL."""
        try:
            apprise = _imported()
        except ImportError:
            raise RiskwaveError(
                f"{about}: apprise is not installed; pip install -c constraints.txt -e '.[alerts]', or use a webhook"
            ) from None
        self.tokens = tokens
        self._apprise = apprise
        self._secrets = [*secrets, url]
        self._told = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Riskwave", app_desc="Riskwave alerts"))
        with self._said():
            known = self._told.add(url)
        if not known:
            raise RiskwaveError(f"{about}: url: apprise knows no such address; see docs/alerts.md for some")

    def send(self, message: Message) -> None:
        """Hand it to apprise."""
        with self._said() as said:
            taken = self._told.notify(
                body=message.text, title=message.title, body_format=self._apprise.NotifyFormat.TEXT
            )
        if not taken:
            raise UndeliveredError(self._without_secrets(said.getvalue()) or "apprise could not deliver it")

    def _said(self) -> Any:
        """What apprise logs meanwhile, as a text file: no log of ours may have its URLs."""
        logging.getLogger("apprise").propagate = False
        return self._apprise.LogCapture(level=logging.WARNING, fmt="%(message)s")

    def _without_secrets(self, text: str) -> str:
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")[:300]
        for secret in self._secrets:
            first = first.replace(secret, "***")
        return first


def _imported() -> Any:
    """The module with all that it reaches; some of it imports what Python is about to drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        apprise.Apprise.instantiate("json://127.0.0.1")
    return apprise


def open_receivers(routes: Routes, where: str, environment: Mapping[str, str]) -> dict[str, Receiver]:
    """The receivers of a routes file, secrets filled in. Raises RiskwaveError naming the receiver that cannot be."""
    return {name: open_receiver(name, part, where, environment) for name, part in routes.receivers.items()}


def open_receiver(name: str, part: ReceiverPart, where: str, environment: Mapping[str, str]) -> Receiver:
    """One of them."""
    about = f"{where}: receiver {name}"
    if part.webhook is None:
        url = filled(str(part.url), about, environment)
        return AppriseReceiver(about, url, secrets_of(part, environment), tokens=part.tokens)
    url = filled(part.webhook, about, environment)
    if not is_address(url):
        raise RiskwaveError(f"{about}: webhook: expected an address such as https://bank.example/alerts")
    secret = filled(part.secret, about, environment).encode() if part.secret is not None else None
    if secret is not None and len(secret) < 16:
        raise RiskwaveError(f"{about}: secret: 16 characters at least are expected; receivers check by it")
    return WebhookReceiver(url, secret, tokens=part.tokens)
