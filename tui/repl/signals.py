"""Signals and terminal modes while a cell runs."""

from __future__ import annotations

import contextlib
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from tui.repl.console import CellSession

_ENDING = (
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGXCPU,
)
"""What would end the program at once, and can be caught."""


@contextlib.contextmanager
def interrupts(session: CellSession) -> Iterator[None]:
    """Have Ctrl+C interrupt the running cell; where none runs yet, raise KeyboardInterrupt."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if session.running and session.alive:
            # Not in the handler itself: it may have interrupted a write on the same stream.
            threading.Thread(target=session.interrupt, name="repl-interrupt", daemon=True).start()
        else:
            raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


@contextlib.contextmanager
def endings(stop: Callable[[BaseException], bool]) -> Iterator[None]:
    """Have all that ends a program leave in an orderly way, whatever is going on.

    Ctrl and the backslash too, which a terminal in our own modes turns into SIGQUIT: those modes must not stay.

    Args:
        stop: ends the prompt with an exception; False if there is none to end.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        leave = SystemExit(128 + number)
        if not stop(leave):
            raise leave

    previous = [signal.signal(number, end) for number in _ENDING]
    try:
        yield
    finally:
        for number, handler in zip(_ENDING, previous, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore Ctrl+C and the like: what is being cleared up is cleared up quickly.

    Not SIGQUIT: it is left for where that is not so, and the terminal's modes are back already.
    """
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, signal.SIG_IGN) for number in wanted]
    try:
        yield
    finally:
        for number, handler in zip(wanted, previous, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def typing_ahead() -> Iterator[None]:
    """Keep what is typed while no prompt reads for the next one, byte by byte, and off the screen.

    Not only while a cell runs: a key in the moment before would be taken as a line's, and a
    Ctrl+D in it lost.
    """
    descriptor = sys.stdin.fileno()
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:
        yield
        return
    quiet = termios.tcgetattr(descriptor)
    quiet[0] &= ~termios.ICRNL
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # the terminal may have gone
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
