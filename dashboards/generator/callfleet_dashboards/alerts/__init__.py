"""Alerts that no objective's budget tells in time, or at all."""

from callfleet_dashboards.alerts import callers, fleet
from callfleet_dashboards.alerts.alert import Alert
from callfleet_dashboards.files import SOON, Group


def known() -> tuple[Alert, ...]:
    """Give them."""
    return (*callers.alerts(), *fleet.alerts())


def group() -> Group:
    """Give them as a group of Prometheus' rules."""
    return Group("callfleet-alerts", SOON, [alert.rule() for alert in known()])
