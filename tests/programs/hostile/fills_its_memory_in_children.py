"""Fills its memory in children."""

import os
import signal

while True:
    try:
        if not os.fork():
            x = bytearray(32 << 20)
            signal.pause()
    except OSError:
        pass
