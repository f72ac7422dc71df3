"""Where the `pooldeck` command begins: Ctrl+C is quiet from the first moment."""

from __future__ import annotations

import signal


def main() -> None:
    """Import the command line and run it.

    Imports take a while, and a KeyboardInterrupt in one is a traceback of somebody else's code.
    Until there is somebody to catch it the signal ends the process as it would any other.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # else it is ignored, as in the background of a shell
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tui import cli

    signal.signal(signal.SIGINT, usual)
    cli.main()


if __name__ == "__main__":
    main()
