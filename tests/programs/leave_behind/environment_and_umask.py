"""Environment and umask."""

import os

os.environ["LEFT"] = "1"
os.umask(0o777)
os.chdir("/")
