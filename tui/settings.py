"""The dashboard's own settings: the table `dashboard` among the pool's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.errors import ConfigError
from tui.actions import ACTIONS, Context, identity, keys_of
from tui.themes import THEMES


class DashboardSettings(BaseModel):
    """What the dashboard looks like and which keys it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    theme: str = Field(default=THEMES[0].name, description="a theme of Pooldeck's or of Textual's")
    keymap: dict[str, str] = Field(default={}, description="action to keys, such as drain = 'D'")
    read_only: bool = Field(default=False, description="no key changes the pool")

    @field_validator("keymap")
    @classmethod
    def _keys_do_not_clash(cls, keymap: dict[str, str]) -> dict[str, str]:
        unknown = keymap.keys() - {identity(action) for action in ACTIONS}
        if unknown:
            raise ValueError(f"there is no action {sorted(unknown)[0]!r}")
        problem = clash(keymap)
        if problem:
            raise ValueError(problem)
        return keymap


def clash(keymap: Mapping[str, str]) -> str:
    """Say which two actions would answer to the same key; nothing if none do."""
    taken: dict[tuple[Context, str], str] = {}
    for action in ACTIONS:
        name = identity(action)
        # Text goes to the REPL, so that its keys and the app's never meet.
        alone = action.context in (Context.REPL, Context.EVERYWHERE)
        places = (action.context,) if alone else (action.context, Context.EVERYWHERE)
        for key in keys_of(action, keymap):
            for place in places:
                other = taken.get((place, key))
                if other is not None:
                    return f"{key!r} is the key of {other} and of {name}"
            taken[action.context, key] = name
    return ""


def dashboard_settings(found: Mapping[str, Any], **given: Any) -> DashboardSettings:
    """Return the settings; what is given wins over what was found.

    Raises:
        ConfigError: if one is wrong.
    """
    try:
        return DashboardSettings(**{**found, **{name: value for name, value in given.items() if value is not None}})
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in ("dashboard", *problem["loc"]))
        raise ConfigError(f"{name} = {problem['input']!r}: {problem['msg'].removeprefix('Value error, ')}") from None
