"""Rules of the house that a tool does not check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import engine
from engine import events
from engine.agent.handover import _MODULES
from engine.container import LEGAL_MOVES, ContainerState


def test_engine_works_without_textual() -> None:
    """Importing all of the engine imports nothing of the screen."""
    code = (
        "import sys, pkgutil, importlib, engine\n"
        "for m in pkgutil.walk_packages(engine.__path__, 'engine.'): importlib.import_module(m.name)\n"
        "print([n for n in ('textual', 'prompt_toolkit', 'tui') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_readme_names_every_event_with_its_level() -> None:
    readme = (Path(engine.__file__).parents[1] / "README.md").read_text()
    listed = readme.partition("### Events")[2].partition("\n## ")[0]
    levels = dict.fromkeys(
        re.findall(r"`(\w+_\w+)`", listed.partition("`info`:")[2].partition("`warning`:")[0]), "info"
    )
    levels |= dict.fromkeys(
        re.findall(r"`(\w+_\w+)`", listed.partition("`warning`:")[2].partition("`debug`:")[0]), "warning"
    )
    levels |= dict.fromkeys(re.findall(r"`(\w+_\w+)`", listed.partition("`debug`:")[2]), "debug")
    names = [value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)]
    assert levels == {name: events.Event(name, "", 0.0).level for name in names}


def test_agent_is_written_for_python_3_8() -> None:
    for name in _MODULES:
        source = (Path(engine.__file__).parent / "agent" / f"{name}.py").read_text()
        ast.parse(source, feature_version=(3, 8))


def test_every_state_has_its_moves_and_leads_to_gone() -> None:
    assert set(LEGAL_MOVES) == set(ContainerState)
    for state in ContainerState:
        reached, frontier = set(), {state}
        while frontier:
            reached |= frontier
            frontier = {to for each in frontier for to in LEGAL_MOVES[each]} - reached
        assert ContainerState.GONE in reached
