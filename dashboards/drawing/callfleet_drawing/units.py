"""Write values in the units of panels, as Grafana does. Pure."""

_THOUSAND = 1000
_DECIMALS_OF_PARTS = 3


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """Write a value."""
    if unit == "s":
        return _seconds(value, decimals)
    if unit in ("percentunit", "percent"):
        share = value * 100 if unit == "percentunit" else value
        fine = 2 if 0 < abs(share) < 1 else 1
        return f"{_number(share, fine if decimals is None else decimals)}%"
    if unit == "currencyUSD":
        return f"${_number(value, 2 if decimals is None else decimals)}"
    if unit == "bytes":
        return _scaled(value, 1024, (" B", " KiB", " MiB", " GiB"), decimals)
    ending = " c/s" if unit == "cps" else ""
    return f"{_scaled(value, _THOUSAND, ('', ' K', ' Mil', ' Bil'), decimals)}{ending}"


def _seconds(value: float, decimals: int | None) -> str:
    size = abs(value)
    if size == 0:
        return "0 s"
    if size < 1e-3:  # noqa: PLR2004 - a millisecond
        return f"{_number(value * 1e6, decimals)} µs"
    if size < 1:
        return f"{_number(value * 1e3, 0 if size >= 0.01 else 1)} ms"  # noqa: PLR2004 - ten of them
    if size < 120:  # noqa: PLR2004 - two minutes
        return f"{_number(value, decimals)} s"
    return f"{_number(value / 60, 1)} mins"


def _scaled(value: float, step: int, names: tuple[str, ...], decimals: int | None) -> str:
    place = 0
    while abs(value) >= step and place < len(names) - 1:
        value /= step
        place += 1
    return f"{_number(value, decimals if place == 0 else 1)}{names[place]}"


def _number(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:.{decimals}f}"
    text = f"{value:.{_DECIMALS_OF_PARTS}g}"
    return f"{value:.0f}" if "e" in text else text
