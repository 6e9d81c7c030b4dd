"""Add up how long a caller's connection was of which quality. No clock, no network."""

from callfleet_contract.outcomes import CallerQuality

_NS_PER_SECOND = 1_000_000_000


class QualitySeconds:
    """Every method takes its instant. What is not known yet is not counted."""

    def __init__(self) -> None:
        self._now: CallerQuality | None = None
        self._since_ns = 0
        self._sums: dict[CallerQuality, int] = {}

    def becomes(self, quality: CallerQuality | None, at_ns: int) -> None:
        """Take what the quality is from now on; None where there is nobody to have one."""
        if self._now is not None:
            spent_ns = max(0, at_ns - self._since_ns)
            self._sums[self._now] = self._sums.get(self._now, 0) + spent_ns
        self._now, self._since_ns = quality, at_ns

    def take(self, at_ns: int) -> tuple[tuple[CallerQuality, float], ...]:
        """Give the seconds since they were last taken."""
        self.becomes(self._now, at_ns)
        sums, self._sums = self._sums, {}
        return tuple((quality, ns / _NS_PER_SECOND) for quality, ns in sums.items() if ns)
