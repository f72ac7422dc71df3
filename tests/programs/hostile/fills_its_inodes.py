"""Fills its inodes."""

n = 0
while True:
    n += 1
    try:
        open(f"/dev/shm/{n}", "wb").close()
    except OSError:
        pass
