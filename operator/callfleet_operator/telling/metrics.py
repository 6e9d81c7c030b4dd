"""The operator's registry, in which a new fleet has its series, and one that is gone no gauge."""

from callfleet_contract import operator_metrics as catalogue
from callfleet_contract.metric import Kind
from callfleet_operator.objects.seen import Key
from callfleet_service.metrics import Registry


class Metrics(Registry):
    """Every metric of the operator."""

    def __init__(self) -> None:
        super().__init__(catalogue.CATALOGUE, "operator")

    def begin(self, fleet: Key) -> None:
        """Show of a new fleet what has not happened yet as nought.

        To Prometheus a series that begins with 1 has not grown: the first call that is lost, often
        the only one, would be counted by nobody.
        """
        for metric in catalogue.CATALOGUE:
            if metric.kind is not Kind.GAUGE and metric.label_names[:2] == ("namespace", "fleet"):
                self.begin_at_nought(metric, (fleet.namespace, fleet.name))

    def forget(self, fleet: Key) -> None:
        """Take a fleet that is gone out of the gauges; counters stay what they are."""
        which = {"namespace": fleet.namespace, "fleet": fleet.name}
        for metric in catalogue.CATALOGUE:
            if metric.kind is Kind.GAUGE and metric.label_names[:2] == ("namespace", "fleet"):
                self.forget_series(metric, which)
