"""What tokens cost, as data. Estimates: the bill is Google's. Pure."""

from dataclasses import dataclass

from callfleet_contract.events import TokensUsed


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens of some models, by direction and modality."""

    models: tuple[str, ...]
    usd_per_million: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The paid tier's list prices, as they were on one day."""

    name: str
    as_of: str
    prices: tuple[Price, ...]

    def cost_usd(self, used: TokensUsed) -> float:
        """Estimate the cost of one usage snapshot's tokens.

        An estimate should not flatter: cached tokens cost what fresh ones do, a modality that the
        table does not name what the dearest of its direction does, and of a model that it does not
        name every token what the dearest model's does.
        """
        named = [price for price in self.prices if used.model in price.models]
        return used.tokens * max(_usd(price, used) for price in named or self.prices) / 1e6


def _usd(price: Price, used: TokensUsed) -> float:
    of_direction = {
        modality: usd
        for direction, modality, usd in price.usd_per_million
        if direction == used.direction
    }
    return of_direction.get(used.modality, max(of_direction.values(), default=0.0))


GEMINI_LIVE = PriceTable(
    "gemini-live",
    "2026-11-30",
    (
        Price(
            ("gemini-3.8-live", "gemini-3.1-flash-live-preview"),
            (
                ("input", "audio", 3.0),
                ("input", "text", 0.75),
                ("output", "audio", 12.0),
                ("output", "text", 4.5),
            ),
        ),
        Price(
            (
                "gemini-2.5-flash-native-audio-preview-12-2025",
                "gemini-2.5-flash-native-audio-latest",
                "gemini-live-2.5-flash-native-audio",
            ),
            (
                ("input", "audio", 3.0),
                ("input", "text", 0.5),
                ("input", "image", 3.0),
                ("output", "audio", 12.0),
                ("output", "text", 2.0),
            ),
        ),
    ),
)
