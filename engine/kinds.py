"""The kinds of settings: how a value is read from what people write, and what is allowed, in words.

A kind stands in a field's annotation, `Annotated[int, Whole(1, 10)]`, and does all of its
validation, so that a message names the whole range in the units in which people think.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import core_schema
from typing_extensions import override

LONGEST = 1_000_000
"""Seconds that any wait may take, about eleven days: poll(2) counts milliseconds in 31 bits."""

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Kind(ABC):
    """What a setting may be."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """What is allowed, as it follows "must be"."""

    @abstractmethod
    def read(self, value: object) -> Any:
        """Return a value as the settings hold it; None if it is not allowed."""

    def show(self, value: Any) -> str:
        """Return a value as people write it."""
        return f"{value:g}" if isinstance(value, float) else str(value)

    def parse(self, value: object) -> Any:
        """Return a value as the settings hold it.

        Raises:
            ValueError: if it is not allowed; says what is.
        """
        found = self.read(value)
        if found is None:
            raise ValueError(f"must be {self.allowed}")
        return found

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number."""

    low: int
    high: int

    @property
    @override
    def allowed(self) -> str:
        return f"{self.low} to {self.high}"

    @override
    def read(self, value: object) -> int | None:
        if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,18}\s*", value):
            value = int(value)
        allowed = isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high
        return value if allowed else None  # type: ignore[return-value]


@dataclass(frozen=True)
class Number(Kind):
    """A number that need not be whole."""

    low: float
    high: float
    above: bool = False
    """Whether `low` itself is too low."""
    unit: str = ""

    @property
    @override
    def allowed(self) -> str:
        bounds = f"above {self.low:g} and at most" if self.above else f"{self.low:g} to"
        return f"{bounds} {self.high:.0f}{self.unit}"

    @override
    def read(self, value: object) -> float | None:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        # `not a number` is on no side of any bound.
        allowed = self.low <= value <= self.high and not (self.above and value == self.low)
        return float(value) if allowed else None


def seconds(at_least: float | None = None) -> Number:
    """A time in seconds, above 0 unless `at_least` says otherwise."""
    return Number(at_least or 0, LONGEST, above=at_least is None, unit=" seconds")


@dataclass(frozen=True)
class Size(Kind):
    """A number of bytes, or text such as "256m" or "1.5g": powers of 1024, as Docker writes them."""

    low: int
    high: int

    @property
    @override
    def allowed(self) -> str:
        return f"{self.show(self.low)} to {self.show(self.high)}, such as 256m or 1.5g"

    @override
    def read(self, value: object) -> int | None:
        if isinstance(value, str):
            match = re.fullmatch(r"\s*(\d{1,18}(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?\s*", value.lower())
            value = int(float(match[1]) * _UNITS[match[2]]) if match is not None else None
        allowed = isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high
        return value if allowed else None  # type: ignore[return-value]

    @override
    def show(self, value: Any) -> str:
        unit = next((name for name in "tgmk" if value and value % _UNITS[name] == 0), "")
        return f"{value // _UNITS[unit]}{unit}"


@dataclass(frozen=True)
class Choice(Kind):
    """One of some words."""

    words: tuple[str, ...]

    @property
    @override
    def allowed(self) -> str:
        return f"one of {', '.join(self.words)}"

    @override
    def read(self, value: object) -> str | None:
        return value if isinstance(value, str) and value in self.words else None


@dataclass(frozen=True)
class Text(Kind):
    """Any text."""

    needed: bool = False
    """Whether it must not be empty."""

    @property
    @override
    def allowed(self) -> str:
        return "text that is not empty" if self.needed else "text"

    @override
    def read(self, value: object) -> str | None:
        return value if isinstance(value, str) and (value or not self.needed) and "\0" not in value else None


@dataclass(frozen=True)
class Names(Kind):
    """Several words: a list, or text with commas or a JSON list in it."""

    @property
    @override
    def allowed(self) -> str:
        return 'names, as in ["json", "numpy"] or "json, numpy"'

    @override
    def read(self, value: object) -> tuple[str, ...] | None:
        if isinstance(value, str):
            value = _json(value) if value.lstrip().startswith("[") else re.findall(r"[^\s,]+", value)
        if isinstance(value, list | tuple) and all(isinstance(word, str) and word for word in value):
            return tuple(value)
        return None

    @override
    def show(self, value: Any) -> str:
        return ", ".join(value)


@dataclass(frozen=True)
class Variables(Kind):
    """Names with a text each: a table, or text with a JSON object in it."""

    @property
    @override
    def allowed(self) -> str:
        return 'names with a text each: in TOML {A = "1"}, in a variable the JSON object {"A": "1"}'

    @override
    def read(self, value: object) -> dict[str, str] | None:
        if isinstance(value, str):
            value = _json(value)
        if isinstance(value, Mapping) and all(isinstance(part, str) for pair in value.items() for part in pair):
            return dict(value)
        return None

    @override
    def show(self, value: Any) -> str:
        return json.dumps(value) if value else ""


@dataclass(frozen=True)
class Table(Kind):
    """Settings of somebody else, who checks them: a table, or text with a JSON object in it."""

    @property
    @override
    def allowed(self) -> str:
        return 'a table: in TOML [dashboard], in a variable the JSON object {"theme": "..."}'

    @override
    def read(self, value: object) -> dict[str, Any] | None:
        if isinstance(value, str):
            value = _json(value)
        return dict(value) if isinstance(value, Mapping) else None

    @override
    def show(self, value: Any) -> str:
        return json.dumps(value) if value else ""


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
