"""The dashboard: a pool's containers, figures and alerts, live, with a pane to run code in them.

One timer looks at the pool and paints; the engine's threads never touch a widget. Whatever
waits runs in threads of its own, which leave what they have to say in queues.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, TextArea

from engine.container import ContainerSnapshot
from engine.control import PoolControl
from engine.errors import UnknownContainer
from engine.metrics import Window
from engine.stats import PoolPhase, PoolSnapshot
from tui.actions import Context, actions, bindings
from tui.format import plural
from tui.looks import SEVERITIES
from tui.pane_shell import PaneShell, SessionOpener
from tui.repl.history import HistoryStore
from tui.screens.confirm import Confirm
from tui.screens.container import ContainerScreen
from tui.screens.help import Help
from tui.screens.leaving import Leaving
from tui.screens.main import MainScreen
from tui.settings import DashboardSettings
from tui.steering import Steering
from tui.store import Store
from tui.themes import FALLBACKS, THEMES
from tui.widgets.alerts import AlertsPane
from tui.widgets.containers import ContainersPane
from tui.widgets.repl import ReplPane

_PERIOD = 0.2
_NAMES = frozenset(action.name.partition("(")[0] for action in actions(Context.EVERYWHERE))
_STEERING = frozenset(action.name for context in Context for action in actions(context) if action.steers)


class PooldeckApp(App[int]):
    """Watches and steers one pool."""

    CSS_PATH = "app.tcss"
    TITLE = "Pooldeck"
    BINDINGS: ClassVar[list[BindingType]] = bindings(Context.EVERYWHERE)

    class Notice(Message):
        """The session has something to say that a person must know."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self,
        pool: PoolControl,
        open_session: SessionOpener,
        settings: DashboardSettings | None = None,
        history: HistoryStore | None = None,
    ) -> None:
        """Prepare.

        Args:
            pool: is shut down when the app is left.
            open_session: opens the session of the REPL pane.
            history: what was entered in earlier runs; without it entries are kept for this one.
        """
        super().__init__()
        self._pool = pool
        self._settings = settings or DashboardSettings()
        self._stopping = False
        self.store = Store(pool)
        self._repl = None
        if not self._settings.read_only:
            self._repl = PaneShell(
                open_session,
                pool=pool.snapshot,
                history=history or HistoryStore(None),
                on_notice=self._tell,
            )
        self.steering = Steering(self, pool)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._settings.theme if self._settings.theme in self.available_themes else THEMES[0].name

    def _tell(self, notice: str) -> None:
        """For the pool's threads: have a person told something of the session."""
        self.post_message(self.Notice(notice))

    def get_default_screen(self) -> Screen[None]:
        """The pool; called by Textual."""
        return MainScreen(self.store, self._repl, self._settings.keymap)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What the style sheet needs of any theme; called by Textual."""
        return FALLBACKS

    def on_mount(self) -> None:
        """Begin to look and to paint."""
        self.set_keymap(self._settings.keymap)
        self.set_interval(_PERIOD, self.tick)

    def on_unmount(self) -> None:
        """Let go of the pool's events."""
        self.store.close()

    def close_session(self) -> None:
        """End the REPL's session, if there is one. From any thread; may take a moment; safe to call twice."""
        if self._repl is not None:
            self._repl.close()

    def on_pooldeck_app_notice(self, message: Notice) -> None:
        """Say it where a person looks, and in the pane."""
        self.notify(message.text, title="REPL session", severity="warning", timeout=10)
        for screen in self.screen_stack:
            for pane in screen.query(ReplPane):
                pane.tell(message.text)

    @property
    def pool(self) -> PoolSnapshot:
        """The pool as the screen shows it."""
        return self.store.snapshot

    def tick(self) -> None:
        """Look at the pool and paint; called by the timer."""
        if not self.is_running:
            return  # the screens are being taken down
        if not self.store.paused or self._stopping:
            phase = self.pool.phase
            for alert in self.store.poll():
                look = SEVERITIES[alert.severity]
                self.notify(f"{alert.message} → {alert.action}", title=str(look), severity="warning")
            if self.pool.phase is not phase:
                self.refresh_bindings()
        self._paint()

    def _paint(self) -> None:
        """Paint the screen that is seen, also behind a dialog."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Leaving):
                screen.show(self.pool)
            if isinstance(screen, (MainScreen, ContainerScreen)) and screen.ready:
                screen.paint()
            if not screen.is_modal:
                break

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can be done now; called by Textual."""
        if self._settings.read_only and (action in _STEERING or (action, parameters) == ("pane", (5,))):
            return False
        if action in ("drain", "resume") and (action == "drain") != (self.pool.phase is PoolPhase.RUNNING):
            return False
        if action in _NAMES:
            if isinstance(self.screen, ModalScreen):
                return action in ("quit", "quit_typing") and self._stopping
            return action == "quit_typing" or not isinstance(self.focused, (Input, TextArea))
        return super().check_action(action, parameters)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """What the palette offers: the registry, and all themes; called by Textual."""
        for action in actions(Context.EVERYWHERE, read_only=self._settings.read_only):
            if action.name != "command_palette":
                yield SystemCommand(action.label, action.help, partial(self.call_later, self.run_action, action.name))
        yield SystemCommand("All themes", "Choose among all themes", self.search_themes)
        yield SystemCommand("Screenshot", "Save a picture of the screen as SVG", self.deliver_screenshot)

    # Seeing.

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(Help(self._settings.keymap, read_only=self._settings.read_only))

    def action_pane(self, number: int) -> None:
        """Go to a pane."""
        if isinstance(self.screen, ContainerScreen):
            self.pop_screen()
        if isinstance(self.screen, MainScreen):
            self.screen.go_to(number)

    def action_zoom(self) -> None:
        """Give one pane the whole screen, and back."""
        if isinstance(self.screen, MainScreen):
            self.screen.zoom()

    def action_layout(self) -> None:
        """Cycle through layouts."""
        if isinstance(self.screen, MainScreen):
            self.notify(f"layout: {self.screen.next_layout()}", timeout=2)

    def action_window(self) -> None:
        """Look further back, or less far."""
        windows = list(Window)
        self.store.window = windows[(windows.index(self.store.window) + 1) % len(windows)]
        self.tick()

    def action_pause(self) -> None:
        """Freeze the screen, or go on."""
        self.store.paused = not self.store.paused
        self.tick()

    def action_theme(self) -> None:
        """Cycle through our themes."""
        names = [theme.name for theme in THEMES]
        place = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(place + 1) % len(names)]

    def on_containers_pane_open(self, message: ContainersPane.Open) -> None:
        """Show a container in full."""
        try:
            detail = self._pool.inspect(message.container_id)
        except UnknownContainer as error:
            self.notify(str(error), severity="warning")
            return
        self.push_screen(ContainerScreen(self.store, detail, read_only=self._settings.read_only))

    # Steering.

    def _targets(self) -> list[ContainerSnapshot]:
        return self.screen.targets() if isinstance(self.screen, (MainScreen, ContainerScreen)) else []

    def _done(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                screen.done()

    def action_drain(self) -> None:
        """Drain."""
        self.steering.drain(self.pool)

    def action_resume(self) -> None:
        """Lease again."""
        self.steering.resume()

    def action_grow(self) -> None:
        """One container more."""
        self.steering.step(self.pool, 1)

    def action_shrink(self) -> None:
        """One container fewer."""
        self.steering.step(self.pool, -1)

    def action_resize(self) -> None:
        """Set the bounds."""
        self.steering.resize(self.pool)

    def action_check(self) -> None:
        """Check containers."""
        self.steering.check(self._targets(), self._done)

    def action_reset(self) -> None:
        """Scrub containers."""
        self.steering.reset(self._targets(), self._done)

    def action_replace(self) -> None:
        """Replace containers."""
        self.steering.replace(self._targets(), self._done)

    async def on_alerts_pane_remedy(self, message: AlertsPane.Remedy) -> None:
        """Do what helps against an alert."""
        await self.run_action(message.action)

    # Leaving.

    async def action_quit(self) -> None:
        """Shut the pool down, visibly; a second time leaves at once and still leaves nothing."""
        if self._stopping:
            self.exit(0)
            return
        pool = self._pool.snapshot()  # not the one that is shown: a cell may have begun since
        if not pool.in_use and not pool.waiting:
            self._leave()
            return

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self._leave()

        question = f"quit: {plural(pool.total, 'container')}, {pool.in_use} in use, {pool.waiting} waiting"
        session = "The REPL's session ends with its state; other programs" if self._held else "Programs"
        self.push_screen(Confirm(question, f"{session} get a while to finish, then everything goes.", "Quit"), answered)

    async def action_quit_typing(self) -> None:
        """Quit, whatever has the focus."""
        await self.action_quit()

    @property
    def _held(self) -> str:
        return self._repl.leased if self._repl is not None else ""

    def _leave(self) -> None:
        self._stopping = True
        self.push_screen(Leaving(self.pool))
        self.steering.in_background(self._stop)

    def _stop(self) -> None:
        try:
            self.close_session()
            self._pool.shutdown()
        finally:
            self.call_later(self.exit, 0)
