"""Pictures of every pane, state, layout and theme. To accept new ones: `pytest --snapshot-update`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.cells import (
    CellResult,
    Completion,
    CompletionKind,
    Completions,
    FileInfo,
    Help,
    InputCallback,
    InputRequest,
)
from engine.execution import Outcome, OutputCallback
from tests.repl.fakes import RESULT, FakeSession
from tests.tui.conftest import Stage
from tui.app import PooldeckApp
from tui.widgets.answer_input import AnswerInput
from tui.widgets.code_input import CodeInput
from tui.widgets.completion import CompletionList
from tui.widgets.transcript import Transcript

_TRACEBACK = b"""Traceback (most recent call last):
  Cell 2, line 1
    names['Alan']
    ~~~~~^^^^^^^^
KeyError: 'Alan'
"""


class Scripted(FakeSession):
    """A session whose cells go as the pictures need it."""

    def __init__(self, container_id: str) -> None:
        super().__init__()
        self.container_id = container_id
        self.answer = self._answer
        self.known = Help("print", "print(*args, sep=' ', end='\\n', file=None, flush=False)")

    def _answer(self, code: str, on_output: OutputCallback, on_input: InputCallback) -> CellResult:
        result = replace(RESULT, container_id=self.container_id, cpu_time=0.0021, peak_memory=14 << 20)
        if code.startswith("work"):
            on_output("stdout", b"\x1b[32mwritten\x1b[0m to born.png\n  0 %\r100 %\n")
            on_output("stderr", b"a warning\n")
            return replace(result, new_files=(FileInfo("born.png", 5120),))
        if code.startswith("names["):
            on_output("stderr", _TRACEBACK)
            return replace(result, outcome=Outcome.ERROR)
        if "input" in code:
            on_input(InputRequest("Who? ", secret=False))
            return result
        return replace(result, value="{'Ada': 1815, 'Grace': 1906}")

    def complete(self, code: str, cursor: int, timeout: float = 0.3) -> Completions:
        names = ("clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update")
        found = names if code[cursor - 1] == "." else ()
        return Completions(cursor, tuple(Completion(name, CompletionKind.FUNCTION) for name in found))

    def interrupt(self) -> None:
        """Nothing runs for long."""


Make = Callable[..., Stage]
Compare = Callable[..., bool]

SMALL, MEDIUM, LARGE = (80, 24), (120, 40), (200, 60)
BUSY = {"arrivals": 26.0, "swing": 0.0, "max_size": 16}


@pytest.mark.parametrize(("name", "size"), [("small", SMALL), ("medium", MEDIUM), ("large", LARGE)])
def test_sizes(snap_compare: Compare, stage: Make, name: str, size: tuple[int, int]) -> None:
    scene = stage()
    assert snap_compare(scene.app, terminal_size=size, run_before=scene.calm())


@pytest.mark.parametrize("theme", ["pooldeck-light", "pooldeck-ansi", "dracula"])
def test_themes(snap_compare: Compare, stage: Make, theme: str) -> None:
    scene = stage(settings={"theme": theme})
    assert snap_compare(scene.app, terminal_size=MEDIUM, run_before=scene.calm())


def test_without_colour(snap_compare: Compare, stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    scene = stage()
    assert snap_compare(scene.app, terminal_size=SMALL, run_before=scene.calm())


@pytest.mark.parametrize("key", ["2", "3", "4", "5", "6"])
def test_each_pane_where_there_is_room_for_one(snap_compare: Compare, stage: Make, key: str) -> None:
    scene = stage(**BUSY)
    assert snap_compare(scene.app, terminal_size=SMALL, run_before=scene.calm(presses(key)))


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("v", id="table"),
        pytest.param("ssss", id="sorted"),
        pytest.param("l", id="containers"),
        pytest.param("ll", id="repl"),
        pytest.param("2z", id="zoomed"),
        pytest.param("g", id="graves"),
        pytest.param("  *", id="marked"),
        pytest.param("p", id="paused"),
    ],
)
def test_layouts_and_views(snap_compare: Compare, stage: Make, keys: str) -> None:
    scene = stage(deaths=0.01)
    assert snap_compare(scene.app, terminal_size=(100, 34), run_before=scene.calm(presses(*keys)))


@pytest.mark.parametrize(
    ("seconds", "scenario"),
    [
        pytest.param(0.0, {}, id="starting"),
        pytest.param(5.0, {"creation_error": "the Docker engine does not answer"}, id="cannot_create"),
        pytest.param(30.0, {"isolated": False}, id="unisolated"),
        pytest.param(30.0, BUSY, id="exhausted"),
    ],
)
def test_states(snap_compare: Compare, stage: Make, seconds: float, scenario: dict[str, Any]) -> None:
    scene = stage(seconds, **scenario)
    assert snap_compare(scene.app, terminal_size=SMALL, run_before=scene.calm())


@pytest.mark.parametrize(("name", "after"), [("draining", 0.7), ("drained", 60.0)])
def test_drain(snap_compare: Compare, stage: Make, name: str, after: float) -> None:
    scene = stage()
    scene.pool.drain(0)
    scene.advance(after)
    assert snap_compare(scene.app, terminal_size=SMALL, run_before=scene.calm())


def test_read_only(snap_compare: Compare, stage: Make) -> None:
    scene = stage(settings={"read_only": True})
    assert snap_compare(scene.app, terminal_size=SMALL, run_before=scene.calm())


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(["d"], id="drain"),
        pytest.param(["space", "space", "k"], id="replace"),
        pytest.param(["equals_sign"], id="resize"),
        pytest.param(["question_mark"], id="help"),
        pytest.param(["slash", *"fibonacci"], id="filter"),
    ],
)
def test_dialogs(snap_compare: Compare, stage: Make, keys: list[str]) -> None:
    scene = stage()
    assert snap_compare(scene.app, terminal_size=SMALL, run_before=scene.calm(presses(*keys)))


@pytest.mark.parametrize(("name", "size"), [("small", SMALL), ("medium", MEDIUM)])
def test_container_screen(snap_compare: Compare, stage: Make, name: str, size: tuple[int, int]) -> None:
    scene = stage()
    container = max(scene.pool.snapshot().containers, key=lambda each: each.execution_count)

    async def look(pilot: Pilot[int]) -> None:
        await opened(scene, container.id, pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=scene.calm(look))


def test_dead_container_says_why(snap_compare: Compare, stage: Make) -> None:
    scene = stage(deaths=0.02)
    death = next(each for each in scene.pool.snapshot().dead if not each.expected)

    async def look(pilot: Pilot[int]) -> None:
        await opened(scene, death.id, pilot)

    assert snap_compare(scene.app, terminal_size=MEDIUM, run_before=scene.calm(look))


@pytest.mark.parametrize("name", ["output", "traceback", "completion", "question", "mistake"])
def test_repl(snap_compare: Compare, stage: Make, name: str) -> None:
    scene = stage(arrivals=1.0)
    session = Scripted(scene.pool.snapshot().containers[0].id)
    scene.app = PooldeckApp(scene.pool, lambda _: session)

    async def enter(pilot: Pilot[int], cell: str, then: Callable[[], bool]) -> None:
        scene.app.screen.query_one(CodeInput).insert(cell)
        await pilot.press("ctrl+j")
        await until(pilot, then)

    async def type_in(pilot: Pilot[int]) -> None:
        screen = scene.app.screen
        code, transcript = screen.query_one(CodeInput), screen.query_one(Transcript)
        about = screen.query_one("#about")
        await pilot.press("i")
        await enter(pilot, "names = {'Ada': 1815, 'Grace': 1906}\nnames", lambda: transcript.text.count("✓ ok") == 1)
        if name == "output":
            await enter(pilot, "work()", lambda: transcript.text.count("✓ ok") == 2)
            code.insert("for name in names:\n    print(name, 'was born')  # a comment")
        elif name == "traceback":
            await enter(pilot, "names['Alan']", lambda: "✗ error" in transcript.text)
        elif name == "completion":
            code.insert("print(names.")
            await until(pilot, lambda: screen.query_one(CompletionList).display)
            await pilot.press("down", "down")
        elif name == "question":
            await enter(pilot, "name = input('Who? ')", lambda: screen.query_one(AnswerInput).display)
            await pilot.press(*"Grace")
        else:
            code.insert("names = = 1")
            await pilot.press("enter")
            await until(pilot, lambda: "invalid" in str(about.render()))

    async def look(pilot: Pilot[int]) -> None:
        await scene.calm(type_in)(pilot)

    try:
        assert snap_compare(scene.app, terminal_size=MEDIUM, run_before=look)
    finally:
        scene.app.close_session()


# How.


def presses(*keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def press(pilot: Pilot[int]) -> None:
        await pilot.press(*("space" if key == " " else "asterisk" if key == "*" else key for key in keys))

    return press


async def opened(scene: Stage, container_id: str, pilot: Pilot[int]) -> None:
    from tui.widgets.containers import ContainersPane

    scene.app.screen.post_message(ContainersPane.Open(container_id))
    await pilot.pause()
    await pilot.pause()


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Let the app go on until something is true."""
    for _ in range(200):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError("it did not come true")
