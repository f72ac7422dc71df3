"""What the dashboard's REPL pane does, on a session that answers by rote."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style

from engine.cells import CellResult, Completion, CompletionKind, Completions, Help, InputCallback, InputRequest
from engine.execution import Outcome, OutputCallback
from tests.repl.fakes import RESULT, FakeSession
from tests.tui.conftest import Stage
from tests.tui.test_pictures import until
from tui.app import PooldeckApp
from tui.repl.history import HistoryStore
from tui.screens.confirm import Confirm
from tui.settings import DashboardSettings
from tui.widgets.answer_input import AnswerInput
from tui.widgets.code_input import CodeInput
from tui.widgets.completion import CompletionList
from tui.widgets.containers import ContainersPane
from tui.widgets.history_walk import HistoryWalk
from tui.widgets.tiles import TileGrid
from tui.widgets.transcript import Transcript

Make = Callable[..., Stage]
QUIET = {"arrivals": 0.01}


class Runner(FakeSession):
    """Cells that do what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.interrupted = threading.Event()
        self.go_on = threading.Event()
        self.lines: list[str | None] = []
        self.known = Help("print", "print(*args)")
        self.answer = self._answer
        self.closed = False

    def run(self, code: str, **named: Any) -> CellResult:
        self.running = True
        try:
            return super().run(code, **named)
        finally:
            self.running = False

    def _answer(self, code: str, on_output: OutputCallback, on_input: InputCallback) -> CellResult:
        if "input" in code:
            self.lines.append(on_input(InputRequest("name? ", secret="secret" in code)))
        if "wait" in code:
            self.go_on.wait(10)
        if "flood" in code:
            for number in range(20_000):
                on_output("stdout", f"line {number}\n".encode())
        if "bar" in code:
            on_output("stdout", b"10 %\r20 %\r\x1b[31m30 %\x1b[0m\n\x1b]0;title\x07")
        on_output("stdout", b"said " + code.encode() + b"\n")
        outcome = Outcome.CANCELLED if self.interrupted.is_set() else Outcome.OK
        return replace(RESULT, outcome=outcome, container_id="ab" * 32)

    def interrupt(self) -> None:
        self.interrupted.set()
        self.go_on.set()

    def complete(self, code: str, cursor: int, timeout: float = 0.3) -> Completions:
        items = [Completion(name, CompletionKind.FUNCTION) for name in ("print", "property")]
        return Completions(0, tuple(each for each in items if each.text.startswith(code[:cursor])))

    def close(self) -> None:
        self.closed = True
        self.go_on.set()


def with_runner(scene: Stage, runner: Runner, history: HistoryStore | None = None) -> PooldeckApp:
    scene.app = PooldeckApp(scene.pool, lambda _: runner, DashboardSettings(), history)
    return scene.app


def output(app: PooldeckApp) -> str:
    return app.screen.query_one(Transcript).text


def badge(app: PooldeckApp) -> str:
    return str(app.screen.query_one("#repl").border_subtitle)


async def test_cells_are_queued_and_run_in_their_order(stage: Make) -> None:
    runner = Runner()
    app = with_runner(stage(**QUIET), runner)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"wait", "enter", *"two", "enter", *"three", "enter")
        await until(pilot, lambda: runner.ran == ["wait"])
        await until(pilot, lambda: "2 queued, next: two" in badge(app))
        runner.go_on.set()
        await until(pilot, lambda: runner.ran == ["wait", "two", "three"])
        await until(pilot, lambda: output(app).count("✓ ok") == 3)


@pytest.mark.parametrize("secret", [False, True])
async def test_input_is_asked_for_and_answered_and_a_secret_is_never_shown(stage: Make, secret: bool) -> None:
    runner = Runner()
    app = with_runner(stage(**QUIET), runner)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *("secret_input" if secret else "input"), "enter")
        await until(pilot, lambda: app.screen.query_one(AnswerInput).has_focus)
        assert app.screen.query_one(AnswerInput).password is secret
        await pilot.press(*"Ada", "enter")
        await until(pilot, lambda: runner.lines == ["Ada"])
        await until(pilot, lambda: f"name? {'•••' if secret else 'Ada'}" in output(app))
        assert secret is ("Ada" not in output(app))
        await until(pilot, lambda: app.screen.query_one(CodeInput).has_focus)
        await pilot.press("up")
        assert "input" in app.screen.query_one(CodeInput).text, "answers are not kept"


async def test_end_of_file_answers_a_program(stage: Make) -> None:
    runner = Runner()
    app = with_runner(stage(**QUIET), runner)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"input", "enter")
        await until(pilot, lambda: app.screen.query_one(AnswerInput).has_focus)
        await pilot.press("ctrl+d")
        await until(pilot, lambda: runner.lines == [None])


async def test_interrupt_ends_the_cell_and_drops_the_queue(stage: Make) -> None:
    runner = Runner()
    app = with_runner(stage(**QUIET), runner)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"wait", "enter", *"two", "enter")
        await until(pilot, lambda: runner.ran == ["wait"])
        await pilot.press(*"half", "ctrl+c")
        assert app.screen.query_one(CodeInput).text == ""
        assert not runner.interrupted.is_set(), "the first one clears the input"
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "■ interrupted" in output(app))
        assert runner.ran == ["wait"]


async def test_completions_are_offered_while_typing_and_taken_without_leaving_the_input(stage: Make) -> None:
    app = with_runner(stage(**QUIET), Runner())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", "p", "r")
        code, offered = app.screen.query_one(CodeInput), app.screen.query_one(CompletionList)
        await until(pilot, lambda: offered.offered("pr", 2))
        assert code.has_focus
        await pilot.press("down", "down", "enter")
        assert code.text == "property"
        assert not offered.display
        await pilot.press("ctrl+c", "p", "r", "i")
        await until(pilot, lambda: offered.offered("pri", 3))
        await pilot.press("escape")
        assert not offered.display
        assert code.has_focus
        await pilot.press("tab")
        await until(pilot, lambda: code.text == "print")


async def test_completions_for_what_stood_there_before_are_never_taken(stage: Make) -> None:
    app = with_runner(stage(**QUIET), Runner())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", "p")
        code, offered = app.screen.query_one(CodeInput), app.screen.query_one(CompletionList)
        await until(pilot, lambda: offered.offered("p", 1))
        code.begin_with("x")  # no news of it has reached the list yet
        code.action_complete()
        assert code.text == "x"


async def test_signature_of_the_call_being_typed_is_shown(stage: Make) -> None:
    app = with_runner(stage(**QUIET), Runner())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"print(")
        about = app.screen.query_one("#about")
        await until(pilot, lambda: "print(*args)" in str(about.render()))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not str(about.render()))


async def test_a_mistake_is_marked_and_nothing_is_sent(stage: Make) -> None:
    runner = Runner()
    app = with_runner(stage(**QUIET), runner)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"x = = 1", "enter")
        code, about = app.screen.query_one(CodeInput), app.screen.query_one("#about")
        await until(pilot, lambda: "invalid syntax (Ctrl+J sends it as it is)" in str(about.render()))
        assert code.cursor_location == (0, 4)
        assert "mistaken" in code.classes
        assert not runner.ran
        await pilot.press("ctrl+j")
        await until(pilot, lambda: runner.ran == ["x = = 1"])
        assert "mistaken" not in code.classes


async def test_enter_goes_on_and_indents_and_a_blank_line_runs(stage: Make) -> None:
    runner = Runner()
    app = with_runner(stage(**QUIET), runner)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"if x:", "enter", *"y", "enter", "backspace", "enter")
        await until(pilot, lambda: runner.ran == ["if x:\n    y"])


async def test_history_is_searched_by_what_is_typed_and_shared(stage: Make, tmp_path: Path) -> None:
    HistoryStore(tmp_path / "history").add("x = 'of an earlier run'")
    app = with_runner(stage(**QUIET), Runner(), HistoryStore(tmp_path / "history"))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"y = 1", "enter", "x", "up")
        code = app.screen.query_one(CodeInput)
        assert code.text == "x = 'of an earlier run'"
        await pilot.press("down")
        assert code.text == "x"
        await pilot.press("ctrl+c", "up", "up", "up")
        assert code.text == "x = 'of an earlier run'"
        await pilot.press("down", "down")
        assert code.text == ""
    assert HistoryStore(tmp_path / "history").entries()[-1] == "y = 1"


async def test_long_output_is_kept_bounded_and_is_searched(stage: Make) -> None:
    app = with_runner(stage(**QUIET), Runner())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"flood", "enter")
        transcript = app.screen.query_one(Transcript)
        await until(pilot, lambda: "✓ ok" in transcript.text)
        assert transcript.text.count("\n") < 20_000
        await pilot.press("f3", "slash", *"line 1234", "enter")
        await pilot.pause()
        assert transcript.scroll_offset.y > 0
        assert transcript._lines[transcript._found].text.startswith("line 1234")


async def test_colours_are_kept_progress_is_rewritten_and_the_rest_is_filtered(stage: Make) -> None:
    app = with_runner(stage(**QUIET), Runner())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"bar", "enter")
        transcript = app.screen.query_one(Transcript)
        await until(pilot, lambda: "✓ ok" in transcript.text)
        assert "\n30 %\nsaid bar\n" in transcript.text
        line = next(line for line in transcript._lines if line.text == "30 %")
        assert any(isinstance(style, Style) and style.color and style.color.number == 1 for *_, style in line.spans)


async def test_cell_points_at_its_container_and_so_does_choosing_it(stage: Make) -> None:
    scene = stage(**QUIET)
    app = scene.app
    async with app.run_test(size=(120, 40)) as pilot:
        app.tick()
        await pilot.press("i", *"print(1)", "enter")
        await until(pilot, lambda: "✓ ok" in output(app))
        grid = app.screen.query_one(TileGrid)
        ran_in = app.screen.query_one(ContainersPane).mine
        await until(pilot, lambda: grid.selected == ran_in)
        assert ran_in[:12] in output(app)
        grid.select(next(each.id for each in scene.pool.snapshot().containers if each.id != ran_in))
        await pilot.press("f3", "enter")
        await until(pilot, lambda: grid.selected == ran_in)


async def test_container_of_the_session_is_marked_while_it_is_leased(stage: Make) -> None:
    scene, runner = stage(**QUIET), Runner()
    app = with_runner(scene, runner)
    async with app.run_test(size=(120, 40)) as pilot:
        runner.container_id = scene.pool.snapshot().containers[0].id
        app.tick()
        await pilot.pause()
        pane = app.screen.query_one(ContainersPane)
        assert [view.session for view in pane._shown].count(True) == 1
        runner.alive = False
        app.tick()
        assert not any(view.session for view in pane._shown)


async def test_mode_badge_follows_the_key_and_the_command(stage: Make) -> None:
    app = with_runner(stage(**QUIET), Runner())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", "f2")
        await until(pilot, lambda: " one-shot " in badge(app))
        await pilot.press(*"%mode session", "enter")
        await until(pilot, lambda: " session " in badge(app))


async def test_exit_leaves_the_pane_and_not_the_app(stage: Make) -> None:
    app = with_runner(stage(**QUIET), Runner())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"exit", "enter")
        await until(pilot, lambda: app.screen.query_one(TileGrid).has_focus)
        assert app.is_running


async def test_what_the_session_must_say_is_in_the_pane_and_a_notification(stage: Make) -> None:
    app = stage(**QUIET).app
    async with app.run_test(size=(120, 40)) as pilot:
        app.post_message(PooldeckApp.Notice("the pool drains: this session ends in 30 s"))
        await until(pilot, lambda: "this session ends in 30 s" in output(app))
        assert any("30 s" in each.message for each in app._notifications)


async def test_quitting_while_text_has_the_focus_closes_the_session_first(stage: Make) -> None:
    scene, runner = stage(**QUIET), Runner()
    app = with_runner(scene, runner)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"half a l", "ctrl+q")
        await until(pilot, lambda: app._stopping or isinstance(app.screen, Confirm))
        if not app._stopping:
            await pilot.press("tab", "enter")
        await until(pilot, lambda: not app.is_running)
    assert runner.closed


async def test_simulation_says_that_nothing_is_run(stage: Make) -> None:
    app = stage(**QUIET).app
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("i", *"1 + 1", "enter")
        await until(pilot, lambda: "nothing is run: this pool is simulated" in output(app))
        await pilot.press(*"%files", "enter")
        await until(pilot, lambda: "there is no working directory" in output(app))


def test_history_walk_skips_what_begins_otherwise_and_comes_back() -> None:
    walk = HistoryWalk(("ab", "x", "ac", "ac"), "a")
    assert walk.earlier()
    assert walk.text == "ac"
    assert walk.earlier()
    assert walk.text == "ab"
    assert not walk.earlier()
    assert walk.later()
    assert walk.later()
    assert walk.text == "a"
    assert not walk.later()
