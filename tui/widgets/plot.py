"""Plots out of characters: columns of blocks and lines of Braille dots, on a domain that is given.

A plot that scales itself makes a flat 1 % and a flat 99 % look the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = " ▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a Braille character, by row and column."""


def columns(values: Sequence[float], width: int, height: int, top: float) -> list[str]:
    """Columns of blocks, from the oldest value on the left; the upper line first.

    Args:
        top: the value that fills a column.
    """
    full = height * 8
    heights = [math.ceil(min(1.0, value / top) * full - 1e-9) for value in spread(values, width)]
    return [
        "".join(_BLOCKS[min(8, max(0, eighths - 8 * (height - 1 - row)))] for eighths in heights)
        for row in range(height)
    ]


def lines(
    series: Sequence[Sequence[float]], width: int, height: int, low: float, high: float
) -> list[list[tuple[str, int | None]]]:
    """Lines of dots on a logarithmic domain; 0 stands for no value.

    Args:
        series: the later ones are drawn over the earlier ones.
        low, high: the domain; what is outside lies on its edge.

    Returns:
        Rows of characters, each with the number of the series it belongs to.
    """
    dots = [[0] * width for _ in range(height)]
    owner: list[list[int | None]] = [[None] * width for _ in range(height)]
    span = math.log(high / low)
    for number, values in enumerate(series):
        previous: int | None = None
        for x, value in enumerate(spread(values, width * 2)):
            if value <= 0:
                previous = None
                continue
            share = min(1.0, max(0.0, math.log(value / low) / span))
            y = round((1 - share) * (height * 4 - 1))
            rows = range(min(y, previous), max(y, previous) + 1) if previous is not None else (y,)
            for each in rows:
                dots[each // 4][x // 2] |= _DOTS[each % 4][x % 2]
                owner[each // 4][x // 2] = number
            previous = y
    return [
        [(chr(0x2800 + bits) if bits else " ", who) for bits, who in zip(row, whose, strict=True)]
        for row, whose in zip(dots, owner, strict=True)
    ]


def spread(values: Sequence[float], width: int) -> list[float]:
    """Values over `width` columns; where several share one, the greatest."""
    count = len(values)
    if not count:
        return [0.0] * width
    edges = [x * count // width for x in range(width + 1)]
    return [max(values[start : max(start + 1, end)]) for start, end in pairwise(edges)]


def nice_top(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 … that is not below: so that the domain seldom changes."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value)
