"""A traced process."""

import ctypes
import os
import time

pid = os.fork()
if not pid:
    time.sleep(100)
ctypes.CDLL(None).ptrace(16, pid, 0, 0)
if not os.fork():
    time.sleep(100)
