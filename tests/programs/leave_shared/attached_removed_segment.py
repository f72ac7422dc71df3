"""Attached removed segment."""

import ctypes
import os
import time

l = ctypes.CDLL(None)
l.shmat.restype = ctypes.c_void_p
i = l.shmget(7, 1 << 20, 0o1000)
l.shmat(i, None, 0)
if not os.fork():
    time.sleep(100)
