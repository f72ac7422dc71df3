"""Special files."""

import os

os.mkfifo("fifo")
import socket

s = socket.socket(socket.AF_UNIX)
s.bind("sock")
s.listen()
