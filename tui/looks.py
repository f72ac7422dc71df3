"""How states, severities and outcomes look: a glyph, a word and the name of a colour.

The colour is a name: `app.tcss` gives it a value from the theme, as the component class
`WIDGET--NAME`. No meaning hangs on the colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.alerts import Severity
from engine.container import ContainerState
from engine.execution import Outcome
from engine.stats import PoolPhase


@dataclass(frozen=True, slots=True)
class Look:
    """A glyph of one cell, a word, and the colour's name."""

    glyph: str
    word: str
    colour: str

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


_S = ContainerState
STATES: dict[ContainerState, Look] = {
    _S.STARTING: Look("◔", "starting", "starting"),
    _S.AVAILABLE: Look("●", "available", "good"),
    _S.IN_USE: Look("▶", "in use", "busy"),
    _S.RESETTING: Look("↻", "resetting", "scrub"),
    _S.CHECKING: Look("◇", "checking", "warn"),
    _S.UNHEALTHY: Look("▲", "unhealthy", "bad"),
    _S.DESTROYING: Look("✗", "destroying", "bad"),
    _S.GONE: Look("○", "gone", "dim"),
}

PHASES: dict[PoolPhase, Look] = {
    PoolPhase.RUNNING: Look("●", "running", "good"),
    PoolPhase.DRAINING: Look("▼", "draining", "warn"),
    PoolPhase.DRAINED: Look("■", "drained", "warn"),
    PoolPhase.CLOSED: Look("✗", "shutting down", "bad"),
}

SEVERITIES: dict[Severity, Look] = {
    Severity.CRITICAL: Look("▲", "critical", "bad"),
    Severity.WARNING: Look("△", "warning", "warn"),
}

OUTCOMES: dict[Outcome, Look] = {
    Outcome.OK: Look("✓", "ok", "good"),
    Outcome.ERROR: Look("✗", "error", "bad"),
    Outcome.TIMEOUT: Look("⧗", "timeout", "warn"),
    Outcome.OUT_OF_MEMORY: Look("▲", "out of memory", "bad"),
    Outcome.KILLED: Look("✗", "killed", "bad"),
    Outcome.CANCELLED: Look("■", "cancelled", "warn"),
    Outcome.INFRASTRUCTURE: Look("▲", "infrastructure", "bad"),
}

PALETTE = ("text", "dim", "strong", "accent", "starting", "good", "busy", "scrub", "warn", "bad")
"""Names of all colours that painted text may have."""
