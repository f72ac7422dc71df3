"""`pooldeck doctor`: the engine's findings, for people or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from engine.config import load_config
from engine.doctor import Finding, Verdict, examine

_LOOKS = {Verdict.OK: ("✓", "green"), Verdict.WARNING: ("!", "yellow"), Verdict.FAILED: ("✗", "red")}


def report(settings: dict[str, Any], *, as_json: bool) -> int:
    """Print all findings; return 1 if one of them is a failure."""
    findings = []
    for finding in examine(load_config(**settings)):
        findings.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    return int(any(finding.verdict is Verdict.FAILED for finding in findings))


def _show(finding: Finding) -> None:
    glyph, colour = _LOOKS[finding.verdict]
    click.secho(f"{glyph} {finding.subject}", fg=colour, nl=False)
    click.echo(f": {finding.detail}")
    if finding.hint:
        click.echo(f"    {finding.hint}")
