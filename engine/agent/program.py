"""The child that becomes a program: warmed ahead of need, then one run and no more.

What the program sees is what `python main.py` would show it: a real `__main__`, its own
source in tracebacks, its exit status. Nothing of the agent is left in `sys.modules`.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import marshal
import os
import signal
import socket
import struct
import sys
import time
import types
from typing import Any, Callable, Dict, NoReturn, Optional, Tuple

from engine.agent import kernel

REQUEST = struct.Struct(">II")
"""Before a request on the control socket: length of its marshalled fields, length of its source."""

DONE = struct.Struct(">ciB")
"""After a program: b"D", exit code, and whether it ended for want of memory.

Or instead of it: b"F" and the errno with which its file could not be written.
"""

READY = b"R"

_WARM_SOURCE = b"""\
import sys
def f(n):
    return [str(i) for i in range(n)]
try:
    print(f(3), {'a': f'{1.5}'}['a'])
except ValueError as e:
    raise
"""
"""What nearly every program does, and no more: each thing costs every child its page faults."""

# What `signal.signal` wraps in a conversion of every number into an enum and back.
_set_handler = importlib.import_module("_signal").signal
_SIGCHLD, _SIG_DFL = int(signal.SIGCHLD), int(signal.SIG_DFL)


def prepare(plan: Dict[str, Any]) -> None:
    """Do in the zygote, once, what holds for every child: they inherit it with the fork.

    What is written after the fork costs a child a page fault, about as much as running a line.
    So the small program runs here too: what its first run makes (imports, caches, grown
    tables) is shared by all, and a child's own run touches only what a program must.
    """
    kernel.set_no_new_privileges()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(0o022)
    os.chdir(plan["workdir"])
    os.environ.update(plan["env"])
    os.environ.update({"HOME": plan["workdir"], "PWD": plan["workdir"], "USER": "sandbox", "LOGNAME": "sandbox"})
    sys.path[0] = plan["workdir"]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    warm(plan["workdir"])
    for name in [name for name in sys.modules if name == "engine" or name.startswith("engine.")]:
        del sys.modules[name]


def become(
    control: socket.socket,
    stdout: int,
    stderr: int,
    plan: Dict[str, Any],
    interpret: Callable[[socket.socket, bytes], NoReturn],
) -> NoReturn:
    """Turn a freshly forked child of the zygote into a waiting program, and run it.

    Args:
        control: the stream to the agent: readiness, the request, the end.
        stdout, stderr: write ends of the pipes that carry the program's output.
        plan: the container's settings as the agent got them in HELLO.
        interpret: serves cells on the stream, where that is asked for instead of a program; told
            what of them has been read already.
    """
    _drop_privileges(plan["uid"])
    gc.enable()
    warm(plan["workdir"])  # 1 and 2 are the zygote's, the null device, until then
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    _reseed()
    me = os.getpid()
    control.sendall(READY)
    request, source = _receive(control)
    if request is None:
        interpret(control, source)
    try:
        _write(plan["workdir"] + "/" + request["filename"], source)
    except OSError as error:
        control.sendall(DONE.pack(b"F", error.errno or 0, False))
        os._exit(1)
    code, starved = _run(request, source, plan["workdir"])
    if os.getpid() != me:
        os._exit(code & 0xFF)  # a fork the program made and let run to its end
    try:
        control.sendall(DONE.pack(b"D", code, starved))
        control.recv(1)  # stay, so that the agent can read this process's figures
    except OSError:
        pass  # the program closed or replaced the descriptor; the exit status says it all
    os._exit(code & 0xFF)


def _drop_privileges(uid: Optional[int]) -> None:
    os.setsid()
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    kernel.set_dumpable(True)  # /dev/stdout and /proc/self belong to the program again
    _set_handler(_SIGCHLD, _SIG_DFL)


def warm(workdir: str) -> None:
    """Run a small program along the real path, to its end, with its output thrown away.

    Only its file is written elsewhere: one of that name may be the tenant's, from an earlier run.
    """
    _write(os.devnull, _WARM_SOURCE)
    _run({"filename": "main.py", "args": [], "env": {}}, _WARM_SOURCE, workdir, last=False)


def _reseed() -> None:
    """Give the child its own randomness; `random` does so by itself when forked."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def _receive(control: socket.socket) -> Tuple[Any, bytes]:
    """Read the request: a program's fields and its source; or None for an interpreter, and what came after it.

    A descriptor that comes with it becomes standard input.
    """
    data, ancillary, _, _ = control.recvmsg(1 << 16, socket.CMSG_SPACE(4))
    if not data:
        os._exit(0)
    for level, kind, descriptors in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received = array.array("i", descriptors)[0]
            os.dup2(received, 0)
            os.close(received)
    pieces, size = [data], len(data)
    header, length = REQUEST.unpack_from(data)
    total = REQUEST.size + header + length
    while size < total:
        piece = control.recv(1 << 18)
        if not piece:
            os._exit(0)
        pieces.append(piece)
        size += len(piece)
    whole = b"".join(pieces)
    return marshal.loads(whole[REQUEST.size : REQUEST.size + header]), whole[REQUEST.size + header :]


def _run(request: Dict[str, Any], source: bytes, workdir: str, last: bool = True) -> Tuple[int, bool]:
    """Run `source` as `python FILENAME` would; return its exit code and if memory ran out."""
    path = workdir + "/" + request["filename"]
    os.environ.update(request["env"])
    if "TZ" in request["env"]:
        time.tzset()
    sys.argv[:] = [path] + request["args"]
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=path, __builtins__=sys.modules["builtins"], __annotations__={}, __cached__=None)
    sys.modules["__main__"] = module
    code, starved = 0, False
    if last:
        sys.setrecursionlimit(sys.getrecursionlimit() + _depth())
    try:
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    except SystemExit as stop:
        code = exit_code(stop.code)
    except BaseException as error:
        starved = isinstance(error, MemoryError)
        code = 130 if isinstance(error, KeyboardInterrupt) else 1
        _report(error)
    return _finish(code, last), starved


def _write(path: str, source: bytes) -> None:
    """Write a file with the fewest system calls."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    written = os.write(file, source)
    while written < len(source):
        written += os.write(file, source[written:])
    os.close(file)


def _depth() -> int:
    """How many frames of ours are below the program's first: it gets its full recursion limit."""
    frame: Optional[types.FrameType] = sys._getframe(1)
    depth = 0 if sys.version_info >= (3, 12) else 2  # before, the two `exec` below count as well
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def exit_code(value: object) -> int:
    """The status of `sys.exit(value)`: nothing is 0, a number itself, else printed and 1."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    try:
        sys.stderr.write("%s\n" % (value,))
    except BaseException:
        pass
    return 1


def _report(error: BaseException) -> None:
    """Print the traceback by the program's own `sys.excepthook`, without our frames."""
    trace = error.__traceback__
    here = _report.__code__.co_filename
    while trace is not None and trace.tb_frame.f_code.co_filename == here:
        trace = trace.tb_next
    error.__traceback__ = trace
    try:
        sys.excepthook(type(error), error, trace)
    except BaseException:
        sys.__excepthook__(type(error), error, trace)


def _finish(code: int, last: bool) -> int:
    """End as the interpreter does: threads joined, exit handlers run, output flushed.

    Args:
        last: whether the interpreter ends indeed; a warming must leave threads and handlers be.
    """
    threading = sys.modules.get("threading")
    steps = (getattr(threading, "_shutdown", None), atexit._run_exitfuncs if atexit._ncallbacks() else None)
    for step in steps:
        try:
            if step is not None and last:
                step()
        except SystemExit as stop:
            code = exit_code(stop.code)
        except BaseException as error:
            _report(error)
    for stream, failed in ((sys.stdout, 120), (sys.stderr, code)):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:
            code = failed
    return code
