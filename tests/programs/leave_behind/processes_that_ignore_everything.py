"""Processes that ignore everything."""

import os
import signal
import time

for s in range(1, 65):
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(5):
    if not os.fork():
        time.sleep(100)
