"""The operator's registry, in which a fleet that is gone leaves no gauge."""

from callfleet_contract import operator_metrics as catalogue
from callfleet_contract.metric import Kind
from callfleet_operator.objects.seen import Key
from callfleet_service.metrics import Registry


class Metrics(Registry):
    """Every metric of the operator."""

    def __init__(self) -> None:
        super().__init__(catalogue.CATALOGUE, "operator")

    def forget(self, fleet: Key) -> None:
        """Take a fleet that is gone out of the gauges; counters stay what they are."""
        which = {"namespace": fleet.namespace, "fleet": fleet.name}
        for metric in catalogue.CATALOGUE:
            if metric.kind is Kind.GAUGE and metric.label_names[:2] == ("namespace", "fleet"):
                self.forget_series(metric, which)
