"""Unreadable trees."""

import os

for p in os.environ["PLACES"].split(":"):
    os.makedirs(p + "/a/b/c")
    open(p + "/a/b/c/f", "w")
    os.chmod(p + "/a/b", 0)
    os.chmod(p + "/a", 0)
