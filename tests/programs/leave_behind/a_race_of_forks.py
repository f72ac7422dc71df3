"""A race of forks."""

import os
import time

ME = os.getpid()
os.fork()
os.fork()
end = time.time() + 0.3
while time.time() < end or os.getpid() != ME:
    try:
        if os.fork() == 0 and os.fork() == 0:
            pass
    except OSError:
        time.sleep(0.001)
    if os.getpid() == ME:
        break
