"""How a pool does over time: rates, levels and latencies in slices of time.

Each of the three windows is a ring of sixty slices. A slice counts durations in buckets
that grow by four per cent, so that memory and the cost of a look are bounded however many
programs run; a percentile is right to within that four per cent, a maximum exactly.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

_SLICES = 60
_GROWTH = math.log(1.04)
_SMALLEST = 1e-6
"""Seconds; what is shorter counts as this."""

_RATE_SLICES = 10
"""Seconds over which the present rate is taken."""


class Window(IntEnum):
    """How far back to look, in seconds."""

    MINUTE = 60
    FIVE_MINUTES = 300
    HALF_HOUR = 1800

    @property
    def step(self) -> float:
        """Seconds in one slice."""
        return self.value / _SLICES


class Kind(IntEnum):
    """What is timed."""

    ACQUIRE = 0
    RUN = 1
    SCRUB = 2
    CREATION = 3


class Levels(NamedTuple):
    """How much there is of what comes and goes."""

    in_use: int = 0
    size: int = 0
    waiting: int = 0

    def most(self, other: Levels) -> Levels:
        """The greater of each."""
        return Levels(*map(max, self, other))


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds, over the window; all 0 where nothing was measured."""

    count: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    maximum: float = 0.0


@dataclass(frozen=True, slots=True)
class MetricsPoint:
    """One slice of time."""

    executions_per_second: float
    levels: Levels
    """The most there was of each."""
    acquire: Percentiles
    run: Percentiles
    scrub: Percentiles


@dataclass(frozen=True, slots=True)
class Metrics:
    """A window of time, and its slices from the oldest to the latest that is complete."""

    window: Window
    executions_per_second: float
    """Over the whole window, or since the pool began if that is shorter."""
    warm: float | None
    """Share of the leases that were given at once; None if there were none."""
    acquire: Percentiles
    run: Percentiles
    scrub: Percentiles
    points: tuple[MetricsPoint, ...]


class Durations:
    """Durations of one kind, counted by size."""

    __slots__ = ("buckets", "maximum")

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()
        self.maximum = 0.0

    def add(self, bucket: int, seconds: float) -> None:
        """Count one."""
        self.buckets[bucket] += 1
        self.maximum = max(self.maximum, seconds)

    def merge(self, other: Durations) -> None:
        """Count all of another's."""
        self.buckets.update(other.buckets)
        self.maximum = max(self.maximum, other.maximum)

    def percentiles(self) -> Percentiles:
        """Nearest-rank percentiles."""
        count = self.buckets.total()
        if not count:
            return Percentiles()
        ranks = [min(count - 1, int(share * count)) for share in (0.50, 0.95, 0.99)]
        found: list[float] = []
        seen = 0
        for bucket, number in sorted(self.buckets.items()):
            seen += number
            while len(found) < len(ranks) and ranks[len(found)] < seen:
                found.append(min(self.maximum, _SMALLEST * math.exp((bucket + 0.5) * _GROWTH)))
        return Percentiles(count, found[0], found[1], found[2], self.maximum)


@dataclass(slots=True)
class _Slice:
    number: int
    end: Levels
    most: Levels
    kinds: tuple[Durations, ...] = field(default_factory=lambda: tuple(Durations() for _ in Kind))
    warm: int = 0

    def copy(self) -> _Slice:
        twin = _Slice(self.number, self.end, self.most, warm=self.warm)
        for mine, theirs in zip(twin.kinds, self.kinds, strict=True):
            mine.merge(theirs)
        return twin


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded in one window, to be worked out outside the pool's lock."""

    window: Window
    now: float
    began: float
    slices: tuple[_Slice, ...]

    def percentiles(self, kind: Kind) -> Percentiles:
        """Of all slices together."""
        together = Durations()
        for each in self._within():
            together.merge(each.kinds[kind])
        return together.percentiles()

    def rate(self, slices: int = _SLICES) -> float:
        """Executions a second over the last slices, the one that is not complete included."""
        step = self.window.step
        latest = int(self.now / step)
        count = sum(each.kinds[Kind.RUN].buckets.total() for each in self.slices if each.number > latest - slices)
        span = min((slices - 1) * step + self.now - latest * step, self.now - self.began)
        return count / max(step, span)

    def metrics(self) -> Metrics:
        """Everything."""
        acquire = self.percentiles(Kind.ACQUIRE)
        warm = sum(each.warm for each in self._within())
        return Metrics(
            window=self.window,
            executions_per_second=self.rate(),
            warm=warm / acquire.count if acquire.count else None,
            acquire=acquire,
            run=self.percentiles(Kind.RUN),
            scrub=self.percentiles(Kind.SCRUB),
            points=tuple(self._points()),
        )

    def _within(self) -> Iterable[_Slice]:
        oldest = int(self.now / self.window.step) - _SLICES
        return (each for each in self.slices if each.number > oldest)

    def _points(self) -> Iterable[MetricsPoint]:
        step = self.window.step
        latest = int(self.now / step)
        known = {each.number: each for each in self.slices}
        before = [each.end for each in self.slices if each.number < latest - _SLICES]
        levels = before[-1] if before else Levels()
        for number in range(latest - _SLICES, latest):
            each = known.get(number) or _Slice(number, levels, levels)  # nothing happened: levels stay
            levels = each.end
            yield MetricsPoint(
                executions_per_second=each.kinds[Kind.RUN].buckets.total() / step,
                levels=each.most,
                acquire=each.kinds[Kind.ACQUIRE].percentiles(),
                run=each.kinds[Kind.RUN].percentiles(),
                scrub=each.kinds[Kind.SCRUB].percentiles(),
            )


class Recorder:
    """Notes what happens. Belongs to the pool's lock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._levels = Levels()
        self._latest: list[_Slice] = []
        self._until = 0.0
        self._rings: dict[Window, deque[_Slice]] = {window: deque(maxlen=_SLICES + 1) for window in Window}

    def took(self, kind: Kind, seconds: float) -> None:
        """Note a duration."""
        bucket = int(math.log(max(seconds, _SMALLEST) / _SMALLEST) / _GROWTH)
        for each in self._current():
            each.kinds[kind].add(bucket, seconds)

    def served_warm(self) -> None:
        """Note that a lease was given at once."""
        for each in self._current():
            each.warm += 1

    def level(self, levels: Levels) -> None:
        """Note what there is now."""
        if levels != self._levels:
            for each in self._current():
                each.end, each.most = levels, each.most.most(levels)
            self._levels = levels

    def recording(self, window: Window) -> Recording:
        """What there is of a window; a copy of the slice that still changes, and the others."""
        *closed, latest = self._rings[window] or [_Slice(0, self._levels, self._levels)]
        return Recording(window, self._clock(), self._began, (*closed, latest.copy()))

    def rate(self) -> float:
        """Executions a second over the last ten seconds."""
        ring = tuple(self._rings[Window.MINUTE])
        return Recording(Window.MINUTE, self._clock(), self._began, ring).rate(_RATE_SLICES)

    def _current(self) -> list[_Slice]:
        now = self._clock()
        if now < self._until:
            return self._latest
        current = []
        for window, ring in self._rings.items():
            number = int(now / window.step)
            if not ring or ring[-1].number != number:
                before = ring[-1].end if ring else self._levels
                ring.append(_Slice(number, before, before))
            current.append(ring[-1])
        self._latest, self._until = current, math.floor(now) + 1.0  # a slice ends with a second
        return current
