"""How the agent gets into a container: its source, over the container's own stdin.

Nothing is baked into an image or mounted. The container's command is a one-line loader
that reads the modules and runs them; every image with Python 3.8 or newer will do.
"""

from __future__ import annotations

import json
import struct
from functools import cache
from importlib.resources import files

_MODULES = (
    "frames",
    "kernel",
    "gauges",
    "places",
    "fetch",
    "program",
    "completion",
    "interpreter",
    "zygote",
    "scrub",
    "children",
    "run",
    "inflow",
    "cells",
    "agent",
)
"""In the order of their imports."""

_LOADER = """\
import os,sys,types,struct,json
def read(n):
 b=b''
 while len(b)<n:
  p=os.read(0,n-len(b))
  if not p:os._exit(0)
  b+=p
 return b
for name,text in json.loads(read(struct.unpack('>I',read(4))[0])):
 m=types.ModuleType(name);m.__file__=name;m.__path__=[];sys.modules[name]=m
 parent,_,leaf=name.rpartition('.')
 if parent:setattr(sys.modules[parent],leaf,m)
 exec(compile(text,name,'exec'),m.__dict__)
m.main(b'')
"""


def command(python: str) -> list[str]:
    """Return the command that a container is started with."""
    return [python, "-c", _LOADER]


@cache
def payload() -> bytes:
    """Return what is written to the loader: a length and the modules' sources as JSON."""
    folder = files("engine.agent")
    modules = [("engine", ""), ("engine.agent", "")]
    modules += [(f"engine.agent.{name}", (folder / f"{name}.py").read_text(encoding="utf-8")) for name in _MODULES]
    data = json.dumps(modules).encode()
    return struct.pack(">I", len(data)) + data
