"""Sticky and set-id directories."""

import os

os.makedirs("s/t")
open("s/t/f", "w")
os.chmod("s", 0o7777)
os.chmod("s/t", 0o1000)
