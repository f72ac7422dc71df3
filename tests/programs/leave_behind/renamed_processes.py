"""Renamed processes."""

import ctypes
import os
import time

for name in (b"python", b"agent", b"init"):
    if not os.fork():
        ctypes.CDLL(None).prctl(15, name)
        time.sleep(100)
