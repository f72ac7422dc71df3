"""What is to be said of one container, as lines: for the details pane and its own screen."""

from __future__ import annotations

from textwrap import wrap

from engine.backends.base import ContainerSpec
from engine.history import CheckRecord, ContainerDetail, ResetRecord, RunRecord, StateChange
from tui.format import clock, duration, fit, latency, plain, size
from tui.looks import OUTCOMES, STATES
from tui.widgets.rows import Parts

_LABEL = 11
_HARD = "\x00"
"""Stands for a space at which no line may end."""


def _line(label: str, value: str, colour: str = "text") -> Parts:
    return ((f"{label:<{_LABEL}}", "dim"), (value, colour))


def facts(detail: ContainerDetail, now: float) -> list[Parts]:
    """What it is, how long, how often; and how it ended."""
    container, look = detail.container, STATES[detail.container.state]
    lines = [_line("state", f"{look}  {duration(container.state_for)}", look.colour)]
    if detail.death is not None:
        death = detail.death
        lines = [
            _line("ended", f"{clock(death.at)}  after {duration(death.lived)}", "strong"),
            _line("because", death.reason, "text" if death.expected else "bad"),
        ]
    elif container.doing:
        lines.append(_line("doing", plain(container.doing), "strong"))
    elif container.leaving:
        lines.append(_line("leaving", container.leaving, "warn"))
    age = now - container.created_at if detail.death is None else detail.death.lived
    lines.append(_line("age", f"{duration(age)}  since {clock(container.created_at)}"))
    runs = f"{container.execution_count:,}"
    if container.last_run is not None:
        runs += f"  last {latency(container.last_run)}"
    if container.p95_run is not None:
        runs += f"  p95 {latency(container.p95_run)}"
    lines.append(_line("runs", runs))
    lines.append(_line("resets", f"{container.reset_count:,}"))
    health = {True: "✓ healthy", False: "▲ unhealthy", None: "not checked yet"}[container.healthy]
    lines.append(_line("health", f"{health}  {container.health_check_failures} failed", _verdict(container.healthy)))
    gauges = container.gauges
    if gauges.memory is not None:
        limit = f" of {size(gauges.memory_limit)}" if gauges.memory_limit else ""
        lines.append(_line("memory", f"{size(gauges.memory)}{limit}"))
    if gauges.processes is not None:
        limit = f" of {gauges.process_limit}" if gauges.process_limit else ""
        lines.append(_line("processes", f"{gauges.processes}{limit}"))
    return lines


def _verdict(healthy: bool | None) -> str:
    return {True: "good", False: "bad", None: "dim"}[healthy]


def limits(detail: ContainerDetail, spec: ContainerSpec) -> list[Parts]:
    """What it is made of and what it may use."""
    metadata = detail.container.metadata
    return [
        _line("id", detail.container.id),
        _line("image", metadata.image),
        _line("backend", f"{metadata.backend} ({metadata.isolation})"),
        _line("python", metadata.python or "?"),
        _line("memory", f"{size(spec.memory)}, swap included"),
        _line("cpus", f"{spec.cpus:g}"),
        _line("processes", str(spec.max_processes)),
        _line("disk", f"{size(spec.disk)} a place, {spec.max_files:,} files"),
        _line("open files", str(spec.max_open_files)),
        _line("network", spec.network),
        _line("runtime", spec.runtime or "the engine's own"),
        _line("writable", " ".join(metadata.places)),
    ]


def run_line(run: RunRecord, width: int) -> Parts:
    """One execution: when, how it ended, how long and where the time went, what."""
    look = OUTCOMES[run.outcome]
    timing = run.timing
    parts = f"{latency(timing.wait):>8} {latency(timing.run):>8} {latency(timing.answer):>8}"
    memory = size(run.peak_memory) if run.peak_memory is not None else ""
    head = (
        (f"{clock(run.at)}  ", "dim"),
        (f"{fit(str(look), 15)} ", look.colour),
        (parts, "text"),
        (f" {memory:>8}  ", "dim"),
    )
    rest = width - sum(len(text) for text, _ in head)
    code = plain(run.code) + (f"  {run.reason}" if run.reason else "")
    return (*head, (fit(code, rest), "text"))


RUN_HEAD: Parts = ((f"{'ended':<10}{'outcome':<16}{'wait':>8} {'run':>8} {'answer':>8} {'peak':>8}  code", "dim"),)


def small_run_line(run: RunRecord, width: int) -> Parts:
    """One execution where there is little room."""
    look = OUTCOMES[run.outcome]
    took = latency(run.timing.run)
    return ((f"{look.glyph} ", look.colour), (f"{took:>8}  ", "text"), (fit(plain(run.code), width - 12), "dim"))


def state_line(change: StateChange, before: StateChange | None) -> Parts:
    """One change of state, and how long the one before lasted."""
    look = STATES[change.state]
    lasted = f"+{duration(change.at - before.at)}" if before is not None else ""
    return (
        (f"{clock(change.at)} {lasted:>8}  ", "dim"),
        (f"{fit(str(look), 13)} ", look.colour),
        (change.reason, "text"),
    )


def reset_lines(reset: ResetRecord, width: int) -> list[Parts]:
    """One scrub, step by step."""
    total = latency(sum(reset.steps.values()))
    verdict = ("✓ clean", "good") if reset.clean else (f"▲ not clean: {reset.failed}: {reset.reason}", "bad")
    steps = [f"{step} {latency(seconds)}" for step, seconds in reset.steps.items()]
    return [((f"{clock(reset.at)}  ", "dim"), verdict, (f"  {total}", "strong")), *_indented(steps, width)]


def check_lines(check: CheckRecord, width: int) -> list[Parts]:
    """One health check, question by question."""
    verdict = ("✓ healthy", "good") if check.healthy else (f"▲ {check.reason}", "bad")
    answers = [f"{'✓' if passed else '✗'} {name.replace('_', ' ')}" for name, passed in check.passed.items()]
    return [((f"{clock(check.at)}  ", "dim"), verdict), *_indented(answers, width)]


def _indented(parts: list[str], width: int) -> list[Parts]:
    """Parts beside each other, on as many lines as they need; none is broken."""
    joined = wrap("   ".join(part.replace(" ", _HARD) for part in parts), max(20, width - 2))
    return [(("  " + line.replace(_HARD, " "), "dim"),) for line in joined]
