"""Figures as people read them: few digits, always with their unit."""

from __future__ import annotations

from datetime import datetime

_EIGHTHS = " ▏▎▍▌▋▊▉"


def duration(seconds: float) -> str:
    """An age or a wait: 0.4 s, 12 s, 4 min, 2.1 h, 3.0 d."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 86_400 else f"{seconds / 86_400:.1f} d"


def latency(seconds: float) -> str:
    """A time that should be short: 0.04 ms, 3.1 ms, 128 ms, 1.20 s."""
    if seconds < 0.01:
        return f"{seconds * 1e3:.2f} ms" if seconds < 0.001 else f"{seconds * 1e3:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def size(count: float) -> str:
    """Bytes, in powers of 1024."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def rate(value: float) -> str:
    """A number a second, three digits or so."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def share(value: float | None) -> str:
    """A share as a percentage; nothing where it is not known."""
    return "?" if value is None else f"{value:.0%}".replace("%", " %")


def clock(seconds: float) -> str:
    """Seconds since the epoch as the local time of day."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S")


def plural(count: int, noun: str) -> str:
    """A number and its noun: 1 container, 3 containers."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def bar(value: float, width: int) -> str:
    """A bar of blocks, filled to a share between 0 and 1 in steps of an eighth of a cell."""
    eighths = round(min(1.0, max(0.0, value)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def fit(text: str, width: int) -> str:
    """Text in exactly `width` cells; an ellipsis says that it was cut. One cell a character."""
    if width <= 0:
        return ""
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def plain(text: str) -> str:
    """Text of a program, with everything that could move a terminal's cursor replaced."""
    return "".join(character if character.isprintable() else "·" for character in text)
