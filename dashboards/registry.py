"""The pages, in their order: a file each in `dashboards/views`."""

from __future__ import annotations

from dashboards.view import View
from dashboards.views import models, now, rules, sql

VIEWS: tuple[View, ...] = (now.VIEW, rules.VIEW, models.VIEW, sql.VIEW)
