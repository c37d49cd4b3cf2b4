"""A payment, with why it was decided as it was: where alerts, histories and answers lead. `?event=` names it."""

from __future__ import annotations

from dashboards import case
from dashboards.session import Session
from dashboards.show import show_empty
from dashboards.view import View
from dashboards.ways import asked, link


def render(session: Session) -> None:
    """Draw the page."""
    event_id = asked("event")
    if event_id is None:
        show_empty("No payment is named", "Open one from the queue of alerts, or look for its id among the entities.")
        link("entities", "Entities", icon=":material/hub:")
        return
    case.render(session, event_id)


VIEW = View("Payment", ":material/receipt_long:", "payment", "read", render, listed=False)
