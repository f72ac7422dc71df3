"""Ten thousand files."""

for n in range(10000):
    open(str(n), "w").close()
