"""*Alerts*: the queue. `?event=` in an address that was kept leads to the payment."""

from __future__ import annotations

from dashboards import triage
from dashboards.session import Session
from dashboards.view import View
from dashboards.ways import asked, go


def render(session: Session) -> None:
    """Draw the page."""
    event_id = asked("event")
    if event_id is not None:
        go("payment", event=event_id)
    triage.render(session)


VIEW = View("Alerts", ":material/notifications:", "alerts", "read", render)
