"""What an operator does to the pool: asks first where something is destroyed or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from textual.app import App

from engine.container import ContainerSnapshot, ContainerState
from engine.control import PoolControl
from engine.errors import PooldeckError
from engine.stats import PoolPhase, PoolSnapshot
from tui.format import plural
from tui.screens.confirm import Confirm
from tui.screens.resize import Resize, effect

_S = ContainerState


class Steering:
    """Carries out decisions in threads of their own; what went wrong comes back as a notice."""

    def __init__(self, app: App[Any], pool: PoolControl) -> None:
        self._app = app
        self._pool = pool

    # The pool.

    def drain(self, pool: PoolSnapshot) -> None:
        """Drain, after asking."""
        question = f"drain: {plural(pool.live, 'container')}, {pool.in_use} in use"
        if pool.waiting:
            question += f", {pool.waiting} waiting"
        consequence = "No new leases; those in use finish, the rest go. r undoes it."
        self._ask(question, consequence, "Drain", lambda: self._pool.drain(0))

    def resume(self) -> None:
        """Lease again."""
        self.in_background(self._pool.resume)

    def step(self, pool: PoolSnapshot, step: int) -> None:
        """Move the size the pool has now by one: both bounds follow as far as they must."""
        if pool.phase is not PoolPhase.RUNNING:
            self._app.notify(f"the pool is {pool.phase}: r resumes it")
            return
        size = max(1, pool.live + step)
        high = max(pool.max_size, size) if step > 0 else size
        self._resize(pool, min(size, high), high)

    def resize(self, pool: PoolSnapshot) -> None:
        """Ask for the bounds."""

        def chosen(bounds: tuple[int, int] | None) -> None:
            if bounds is not None:
                self._resize(pool, *bounds)

        self._app.push_screen(Resize(pool), chosen)

    def _resize(self, pool: PoolSnapshot, low: int, high: int) -> None:
        def resize() -> None:
            self._pool.resize(low, high)

        if pool.live > high:
            question = f"resize to {low} to {high}: {plural(pool.live, 'container')}, {pool.in_use} in use"
            self._ask(question, f"{effect(pool, (low, high))}.", "Resize", resize)
        else:
            self.in_background(resize)

    # Containers.

    def check(self, containers: list[ContainerSnapshot], done: Callable[[], None]) -> None:
        """Check the available ones."""

        def check(container_id: str) -> str:
            report = self._pool.check(container_id)
            return "" if report.healthy else report.reason

        self._each(containers, "checked", "healthy", check, done)

    def reset(self, containers: list[ContainerSnapshot], done: Callable[[], None]) -> None:
        """Scrub the available ones."""

        def reset(container_id: str) -> str:
            report = self._pool.reset(container_id)
            return "" if report.clean else report.reason

        self._each(containers, "reset", "clean", reset, done)

    def replace(self, containers: list[ContainerSnapshot], done: Callable[[], None]) -> None:
        """Replace, after asking."""
        if not containers:
            self._app.notify("no container is selected")
            return
        busy = sum(container.state is _S.IN_USE for container in containers)
        ids = ", ".join(container.short_id for container in containers[:4])
        more = f" and {len(containers) - 4} more" if len(containers) > 4 else ""
        question = f"replace: {plural(len(containers), 'container')}, {busy} in use"

        def replace() -> None:
            for container in containers:
                self._pool.replace(container.id)
            self._app.call_later(done)

        self._ask(question, f"{ids}{more}: each goes when it is free, a new one comes.", "Replace", replace)

    def _each(
        self,
        containers: list[ContainerSnapshot],
        done_word: str,
        good_word: str,
        act: Callable[[str], str],
        done: Callable[[], None],
    ) -> None:
        free = [container for container in containers if container.state is _S.AVAILABLE]
        if not free:
            self._app.notify(f"only an available container is {done_word}", severity="warning")
            return
        skipped = len(containers) - len(free)

        def work() -> None:
            bad = []
            for container in free:
                why = act(container.id)
                if why:
                    bad.append(f"{container.short_id}: {why}")
            self._app.call_later(self._report, len(free), skipped, good_word, bad)
            self._app.call_later(done)

        self.in_background(work)

    def _report(self, count: int, skipped: int, good_word: str, bad: list[str]) -> None:
        text = f"{count - len(bad)} of {plural(count, 'container')} {good_word}"
        if skipped:
            text += f"; {skipped} skipped, not available"
        self._app.notify("\n".join([text, *bad]), severity="warning" if bad else "information")

    # How.

    def _ask(self, question: str, consequence: str, verb: str, act: Callable[[], object]) -> None:
        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self.in_background(act)

        self._app.push_screen(Confirm(question, consequence, verb), answered)

    def in_background(self, work: Callable[[], object]) -> None:
        """Run what may wait in a thread of its own; errors a person can cause become notices."""

        def run() -> None:
            try:
                work()
            except PooldeckError as error:
                self._app.call_later(self._complain, str(error))

        threading.Thread(target=run, name="dashboard-work", daemon=True).start()

    def _complain(self, text: str) -> None:
        self._app.notify(text, severity="error")
