"""*Alerts*: the queue, and an alert with why it was raised. `?event=` in the address opens one."""

from __future__ import annotations

from dashboards import case, triage
from dashboards.session import Session
from dashboards.view import View
from dashboards.ways import asked


def render(session: Session) -> None:
    """Draw the page."""
    event_id = asked("event")
    if event_id is None:
        triage.render(session)
    else:
        case.render(session, event_id)


VIEW = View("Alerts", ":material/notifications:", "alerts", "read", render)
