"""Limits and priority."""

import os
import resource

resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
os.nice(19)
