"""POSIX objects."""

import ctypes
import os
from multiprocessing import shared_memory

s = shared_memory.SharedMemory("left", True, 4096)
l = ctypes.CDLL(None)
print(l.mq_open(b"/left", os.O_CREAT | os.O_RDWR, 0o600, None), l.sem_open)
from multiprocessing import resource_tracker

resource_tracker.unregister("/left", "shared_memory")
