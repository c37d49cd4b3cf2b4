"""The pages, in their order: a file each in `dashboards/views`."""

from __future__ import annotations

from dashboards.view import View
from dashboards.views import now

VIEWS: tuple[View, ...] = (now.VIEW,)
