"""System V objects."""

import ctypes

l = ctypes.CDLL(None)
for k in range(1, 6):
    print(min(l.shmget(k, 4096, 0o1666), l.semget(k, 2, 0o1666), l.msgget(k, 0o1666)))
