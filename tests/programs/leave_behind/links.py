"""Links."""

import os

os.symlink("/etc", "e")
os.symlink("/", "r")
os.symlink("nowhere", "n")
os.mkdir("d")
os.symlink("..", "d/up")
