"""The worker's registry, fed with samples of calls."""

from collections.abc import Mapping

from callfleet_contract import metrics
from callfleet_contract.metric import Kind
from callfleet_contract.profiles import ModelProfile
from callfleet_service import metrics as service
from callfleet_worker.parent.prices import PriceTable
from callfleet_worker.parent.samples import NO_TOOL, Sample

_OF_TOOLS = (
    metrics.TOOL_CALLS_TOTAL,
    metrics.TOOL_CALL_SECONDS,
    metrics.EVENT_LOOP_HELD_TOTAL,
)


class Registry(service.Registry):
    """Every metric of the catalogue, ready to be fed with samples."""

    def __init__(self, prices: PriceTable, profile: ModelProfile = ModelProfile.MEASURED) -> None:
        """Build them; ``profile`` is the one that all calls of this worker have."""
        super().__init__(metrics.CATALOGUE, "worker", {"profile": profile})
        self.inform(metrics.PRICE_TABLE_INFO, {"name": prices.name, "as_of": prices.as_of})
        self.begin_at_nought(metrics.EVENT_LOOP_HELD_TOTAL, (NO_TOOL,))

    def expect_tool(self, name: str) -> None:
        """Show nought for a tool that is there and was not called yet."""
        for metric in _OF_TOOLS:
            self.begin_at_nought(metric, (name,))

    def feed(self, sample: Sample, exemplar_facts: Mapping[str, str] | None = None) -> None:
        """Add one sample; counters and histograms only."""
        if sample.metric.kind is Kind.HISTOGRAM:
            self.observe(sample.metric, sample.value, sample.labels, exemplar_facts)
        else:
            self.add(sample.metric, sample.value, sample.labels)
