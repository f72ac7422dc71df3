"""The dashboard: a pool's containers, counts and alerts, live, with a line to run code in them.

One timer takes an immutable snapshot and paints it; the engine's threads never touch a
widget. Code and everything else that waits runs in worker threads, which post messages.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from textual.app import App, ComposeResult
from textual.message import Message
from textual.widgets import Footer, Input, Log, Static

from engine.errors import PooldeckError
from engine.execution import ExecutionResult
from engine.pool import ContainerPool
from engine.stats import PoolPhase, PoolSnapshot
from tui.actions import ACTIONS, IN_REPL, bindings
from tui.repl.summary import summarise
from tui.widgets.confirm import Confirm
from tui.widgets.tiles import TileGrid

_PERIOD = 0.2
_MAX_LINES = 10_000
_NAMES = frozenset(action.name for action in ACTIONS)


class PooldeckApp(App[int]):
    """Watches and steers one pool."""

    CSS_PATH = "app.tcss"
    TITLE = "Pooldeck"
    BINDINGS = bindings()

    @dataclass
    class Finished(Message):
        """Code from the REPL line has been run."""

        result: ExecutionResult | PooldeckError

    @dataclass
    class Notice(Message):
        """Something a worker has to say."""

        text: str

    @dataclass
    class Stopped(Message):
        """The pool is shut down."""

    def __init__(self, pool: ContainerPool) -> None:
        """Args: pool: is shut down when the app is left."""
        super().__init__()
        self._pool = pool
        self._stopping = False

    def compose(self) -> ComposeResult:
        """Lay out header, tiles, alerts, output, REPL line and footer."""
        yield Static(id="header")
        yield TileGrid(id="tiles")
        yield Static(id="alerts")
        yield Log(id="output", max_lines=_MAX_LINES)
        yield Input(placeholder="Python to run in a pooled container", id="code")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to paint."""
        self.query_one(TileGrid).focus()
        self.set_interval(_PERIOD, self._paint)
        self._paint()

    def _paint(self) -> None:
        pool = self._pool.snapshot()
        header = self.query_one("#header", Static)
        header.update(header_line(pool))
        header.set_class(not pool.isolated, "unisolated")
        self.query_one(TileGrid).show(pool.containers, self._note(pool))
        lines = [f"▲ {alert.message}: {alert.action}" for alert in pool.alerts[-5:]]
        self.query_one("#alerts", Static).update("\n".join(lines) or "[dim]no alerts[/dim]")

    def _note(self, pool: PoolSnapshot) -> str:
        if self._stopping:
            return "shutting down"
        if pool.phase is not PoolPhase.RUNNING:
            return f"the pool is {pool.phase}: r resumes it"
        return pool.creation_error or "waiting for the first container"

    # Running code.

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the line; the container is whichever is free."""
        code = event.value
        event.input.clear()
        if code.strip():
            self.query_one(Log).write_line(f">>> {code}")
            self._in_background(lambda: self._run(code))

    def _run(self, code: str) -> None:
        try:
            result: ExecutionResult | PooldeckError = self._pool.execute(code)
        except PooldeckError as error:
            result = error
        self.post_message(self.Finished(result))

    def on_pooldeck_app_finished(self, message: Finished) -> None:
        """Show output, and where the time went."""
        output = self.query_one("#output", Log)
        if isinstance(message.result, PooldeckError):
            output.write_line(f"# {message.result}")
            return
        result = message.result
        text = "".join(character for character in result.output if character.isprintable() or character in "\n\t")
        output.write_lines(
            [*text.splitlines(), f"# {summarise(result).line}{f'  {result.reason}' if result.reason else ''}"]
        )

    # Steering.

    def action_drain(self) -> None:
        """Drain, after asking."""
        pool = self._pool.snapshot()
        if pool.phase is not PoolPhase.RUNNING:
            self.notify(f"the pool is {pool.phase} already")
            return

        def drain(confirmed: bool | None) -> None:
            if confirmed:
                self._in_background(lambda: self._pool.drain(0))

        self.push_screen(Confirm(f"drain: {pool.total} containers, {pool.in_use} in use", "Drain"), drain)

    def action_resume(self) -> None:
        """Lease again."""
        self._in_background(self._pool.resume)

    def action_grow(self) -> None:
        """One more container."""
        self._resize(1)

    def action_shrink(self) -> None:
        """One container fewer."""
        self._resize(-1)

    def _resize(self, step: int) -> None:
        """Move the size the pool has now by one: both bounds follow as far as they must."""
        pool = self._pool.snapshot()
        size = max(1, pool.total + step)
        high = max(pool.max_size, size) if step > 0 else size
        self._in_background(lambda: self._pool.resize(min(size, high), high))

    def action_repl(self) -> None:
        """Go to the REPL line."""
        self.screen.set_focus(self.query_one(Input))  # at once: what is typed next is meant for it

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be done now; called by Textual."""
        if action in _NAMES:
            return isinstance(self.focused, Input) == (action in IN_REPL)
        return super().check_action(action, parameters)

    def action_leave_repl(self) -> None:
        """Leave the REPL line."""
        self.screen.set_focus(self.query_one(TileGrid))

    def action_quit_pool(self) -> None:
        """Shut the pool down, visibly; a second time leaves at once and still leaves nothing."""
        if self._stopping:
            self.exit(0)
            return
        self._stopping = True
        self.query_one("#output", Log).write_line("# shutting the pool down; q again does not wait for programs")
        self._in_background(self._stop)

    def _stop(self) -> None:
        self._pool.shutdown()
        self.post_message(self.Stopped())

    def on_pooldeck_app_stopped(self) -> None:
        """Leave."""
        self.exit(0)

    def on_pooldeck_app_notice(self, message: Notice) -> None:
        """Tell."""
        self.notify(message.text, severity="error")

    def _in_background(self, work: Callable[[], object]) -> None:
        """Run what may wait in a thread of its own; errors a person can cause become notices."""

        def run() -> None:
            try:
                work()
            except PooldeckError as error:
                self.post_message(self.Notice(str(error)))

        threading.Thread(target=run, name="dashboard-work", daemon=True).start()


def header_line(pool: PoolSnapshot) -> str:
    """The counts, and what runs where."""
    return (
        f"[b]pool {pool.pool_id}[/b]  {pool.phase}  {pool.backend}: {pool.isolation}  "
        f"[b]{pool.available}[/b] available  [b]{pool.in_use}[/b] in use  "
        f"[b]{pool.total}[/b] of {pool.min_size} to {pool.max_size}  {pool.waiting} waiting  "
        f"{pool.executions_per_second:.1f} runs/s  p99 {pool.run.p99 * 1e3:.1f} ms"
    )
