"""What tokens cost, as data. Estimates: the bill is Google's. Pure."""

from dataclasses import dataclass

from callfleet_contract.events import TokensUsed


@dataclass(frozen=True, slots=True)
class PriceTable:
    """US dollars for a million tokens, by direction and modality; the paid tier's list prices."""

    name: str
    as_of: str
    usd_per_million: tuple[tuple[str, str, float], ...]

    def cost_usd(self, used: TokensUsed) -> float:
        """Estimate the cost of one usage snapshot's tokens.

        A modality that the table does not name costs what the dearest of its direction does, and
        cached tokens cost what fresh ones do: an estimate should not flatter.
        """
        prices = {
            modality: price
            for direction, modality, price in self.usd_per_million
            if direction == used.direction
        }
        if not prices:
            return 0.0
        return used.tokens * prices.get(used.modality, max(prices.values())) / 1e6


GEMINI_LIVE = PriceTable(
    "gemini-live-native-audio",
    "2026-09",
    (
        ("input", "audio", 3.0),
        ("input", "text", 0.5),
        ("input", "image", 3.0),
        ("output", "audio", 12.0),
        ("output", "text", 2.0),
    ),
)
