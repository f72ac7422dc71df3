"""Where the `pooldeck` command begins: Ctrl+C is quiet from the first moment."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupt_ends_process() -> Iterator[None]:
    """Have Ctrl+C end the process as any other would, for as long as there is nothing to clean up.

    For imports, which take a while: a KeyboardInterrupt in one is a traceback of somebody
    else's code, or is lost in it.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler:  # ignored, as in the background of a shell
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def main() -> None:
    """Import the command line and run it."""
    with interrupt_ends_process():
        from tui import cli
    cli.main()


if __name__ == "__main__":
    main()
