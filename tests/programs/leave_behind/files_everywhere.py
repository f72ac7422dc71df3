"""Files everywhere."""

import os

for p in os.environ["PLACES"].split(":"):
    open(p + "/left", "w").write("x")
    open(p + "/.hidden", "w").write("x")
