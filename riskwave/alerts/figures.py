"""How many alerts and notifications there are, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from riskwave.alerts.store import AlertStore


class AlertFigures(Collector):
    """Counted in the store when they are asked for: several processes change it."""

    def __init__(self, store: AlertStore) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Alerts not closed by severity and status; those to be told of; deliveries by receiver and state."""
        alerts = GaugeMetricFamily("riskwave_alerts", "Alerts that are not closed", labels=["severity", "status"])
        for row in self._store.rows(
            "select severity, status, count(*) as n from alerts where status <> 'closed' group by 1, 2"
        ):
            alerts.add_metric([row["severity"], row["status"]], row["n"])
        yield alerts
        waiting = self._store.rows("select count(*) as n from alerts where waits_since is not null")[0]["n"]
        yield GaugeMetricFamily(
            "riskwave_alerts_untold", "Alerts nobody was told of yet: waiting, throttled, snoozed", value=waiting
        )
        deliveries = GaugeMetricFamily(
            "riskwave_alert_deliveries", "Notifications not taken yet, and given up", labels=["receiver", "state"]
        )
        for row in self._store.rows(
            "select receiver, state, count(*) as n from deliveries where state <> 'delivered' group by 1, 2"
        ):
            deliveries.add_metric([row["receiver"], row["state"]], row["n"])
        yield deliveries
