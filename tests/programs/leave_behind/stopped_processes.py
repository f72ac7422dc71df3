"""Stopped processes."""

import os
import time

for _ in range(3):
    pid = os.fork()
    if not pid:
        time.sleep(100)
    os.kill(pid, 19)
