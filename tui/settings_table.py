"""`pooldeck config`: the settings in force, for people or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from engine.config import settings_in_force
from engine.sources import DEFAULT


def show(settings: dict[str, Any], *, as_json: bool) -> int:
    """Print all settings; return the status to exit with."""
    found = settings_in_force(**settings)
    if as_json:
        click.echo(json.dumps([asdict(setting) for setting in found], indent=2))
        return 0
    name, value, origin = (max(len(getattr(each, part)) for each in found) for part in ("name", "value", "origin"))
    for each in found:
        line = f"{each.name:{name}}  {each.value or '-':{value}}  {each.origin:{origin}}  "
        click.secho(line, bold=each.origin != DEFAULT, nl=False)
        click.echo(f"{each.description} ({each.allowed})")
    return 0
