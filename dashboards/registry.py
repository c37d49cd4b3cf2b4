"""The pages, in their order: a file each in `dashboards/views`."""

from __future__ import annotations

from dashboards.view import View
from dashboards.views import alerts, entities, models, now, payment, rules, sql

VIEWS: tuple[View, ...] = (
    now.VIEW,
    alerts.VIEW,
    entities.VIEW,
    rules.VIEW,
    models.VIEW,
    sql.VIEW,
    payment.VIEW,
    entities.ONE,
)
