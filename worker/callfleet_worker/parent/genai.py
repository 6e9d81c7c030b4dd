"""The names that OpenTelemetry's conventions for generative AI have for what happens in a call.

They are in development. What a live session has no merged name for is called as the proposal for
it has it: a reply of the model is ``generate_live_content``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.metrics import Meter

from callfleet_contract.events import TokensUsed
from callfleet_worker.parent.toolnames import ToolNames

GENERATE, EXECUTE_TOOL = "generate_live_content", "execute_tool"
GEMINI, VERTEX = "gcp.gemini", "gcp.vertex_ai"
CONVERSATION, AGENT = "gen_ai.conversation.id", "gen_ai.agent.name"
OPERATION, PROVIDER, MODEL = "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"
TOOL, TOOL_TYPE = "gen_ai.tool.name", "gen_ai.tool.type"
TTFC = "gen_ai.response.time_to_first_chunk"
ERROR_TYPE = "error.type"
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
CACHED, REASONED = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.reasoning.output_tokens",
)
DETAILS = "gen_ai.client.inference.operation.details"
"""The event that carries what was said."""
MESSAGES = {"user": "gen_ai.input.messages", "assistant": "gen_ai.output.messages"}
_TOTALS = {"input": INPUT, "output": OUTPUT}
_PARTS = {"cached": CACHED, "thoughts": REASONED}
_DURATIONS = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
_FIRST_CHUNKS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
_TOKENS = tuple(float(4**power) for power in range(14))


@dataclass(slots=True)
class Usage:
    """Tokens of a stretch of a call. What was cached or thought is in the totals, too."""

    counts: dict[str, int] = field(default_factory=dict)
    model: str = ""

    def add(self, used: TokensUsed) -> None:
        """Add one count."""
        self.model = used.model
        for name in (_TOTALS.get(used.direction), _PARTS.get(used.kind)):
            if name is not None:
                self.counts[name] = self.counts.get(name, 0) + used.tokens


class GenAiMetrics:
    """The conventions' metrics of a client; they go to a collector, and not to Prometheus."""

    def __init__(self, meter: Meter, provider: str) -> None:
        self._provider = provider
        self._tools = ToolNames()
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "A reply, from the caller's last word handed to the model until it was played or "
            "broken off; or a tool's run.",
            explicit_bucket_boundaries_advisory=_DURATIONS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "From the caller's last word handed to the model to its first audio, less what tools "
            "took.",
            explicit_bucket_boundaries_advisory=_FIRST_CHUNKS,
        )
        self._usage = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens that a turn was billed, the context anew with each.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def replied(self, model: str, seconds: float, first_chunk_seconds: float) -> None:
        """The model answered."""
        facts = self._facts(GENERATE, model)
        self._duration.record(seconds, facts)
        self._first_chunk.record(first_chunk_seconds, facts)

    def ran(self, tool: str, seconds: float, error: str) -> None:
        """A tool ended; ``error`` is empty where it did well."""
        name = self._tools.label_of(tool)
        facts = {OPERATION: EXECUTE_TOOL, PROVIDER: self._provider, TOOL: name}
        self._duration.record(seconds, facts | ({ERROR_TYPE: error} if error else {}))

    def used(self, usage: Usage) -> None:
        """A turn was billed."""
        for token_type, name in _TOTALS.items():
            if tokens := usage.counts.get(name):
                facts = {**self._facts(GENERATE, usage.model), "gen_ai.token.type": token_type}
                self._usage.record(tokens, facts)

    def _facts(self, operation: str, model: str) -> Mapping[str, str]:
        return {OPERATION: operation, PROVIDER: self._provider, MODEL: model}
