"""The child that becomes an interactive interpreter: one cell after the other, one namespace.

The main thread runs cells. A second thread reads the control stream, so that answers to
`input`, and completions, come through while a cell runs. What this process says is the
tenant's word: the agent bounds it and the host believes none of it but as text.

Everything is imported when a session begins, not before the fork: only a session pays.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
import types
from typing import TYPE_CHECKING, Any, Coroutine, Dict, List, NoReturn, Optional, Tuple

from engine.agent import completion, frames, program

if TYPE_CHECKING:
    import ast
    import asyncio
    import traceback

DONE = 1
"""Interpreter to agent: status (`_STATUS`), exit code, then a JSON object {value, exit_code}."""

STATUS = struct.Struct(">BB")
"""How a cell ended (`OK` to `OUT_OF_MEMORY`), and its exit code."""

OK, ERROR, INTERRUPTED, OUT_OF_MEMORY = range(4)

# The tenant may change these modules; what keeps the session going does not look there again.
_dumps, _exit, _pthread_kill = json.dumps, os._exit, signal.pthread_kill

_LONGEST_VALUE = 64 << 10
"""Characters of an echoed value; what is longer is cut and says so."""

_REPEATS = 100
_REPEAT_AFTER = 0.02
"""Seconds after which an interrupt that nothing has come of is repeated, and how often."""

_TOP_LEVEL_AWAIT = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_ONLY_AST = 0x400  # ast.PyCF_ONLY_AST
_COROUTINE = 0x80  # inspect.CO_COROUTINE


class Interpreter:
    """One namespace, and what has been asked about it."""

    def __init__(self, control: socket.socket, begun: bytes) -> None:
        import __future__

        import builtins
        import linecache
        import queue
        import threading

        self._control = control
        self._sending = threading.Lock()
        self._cells: queue.SimpleQueue[Tuple[int, Dict[str, Any], bytes]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Dict[str, Any]] = queue.SimpleQueue()
        self._questions: queue.SimpleQueue[Tuple[int, Dict[str, Any]]] = queue.SimpleQueue()
        self._interrupts: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._builtins = builtins
        self._lines = linecache.cache
        self._pid = os.getpid()
        self._request = 0
        self._serial = 0
        self._heard = 0
        self._in_cell = False
        self._value: Optional[str] = None
        self._flags = 0
        self._features = 0
        for name in __future__.all_feature_names:
            self._features |= getattr(__future__, name).compiler_flag
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._main = types.ModuleType("__main__")
        self._main.__dict__.update(__builtins__=builtins, __annotations__={})
        # All made now: later the tenant may have used up what threads there are.
        self._threads = [
            threading.Thread(target=self._listen, args=(begun,), name="session", daemon=True),
            threading.Thread(target=self._answer_questions, name="completion", daemon=True),
            threading.Thread(target=self._insist, name="interrupt", daemon=True),
        ]

    def serve(self) -> NoReturn:
        """Run cells until the agent is gone."""
        import getpass

        sys.modules["__main__"] = self._main
        sys.argv[:] = [""]
        sys.displayhook = self._display
        self._builtins.input = self._input
        getpass.getpass = self._getpass
        signal.signal(signal.SIGINT, self._interrupted)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        for thread in self._threads:
            thread.start()  # it inherits the mask: signals are the main thread's
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        while True:
            request, fields, source = self._cells.get()
            try:
                self._run(request, fields["number"], source)
            except KeyboardInterrupt:  # it came between the cell's last line and its end
                self._in_cell = False
                self._done(INTERRUPTED, 130)

    # The control stream.

    def _listen(self, data: bytes) -> None:
        try:
            reader = frames.FrameReader()
            while True:
                for frame in reader.feed(data):
                    fields, blob = frames.decode_message(frame.body) if frame.body else ({}, b"")
                    if frame.kind == frames.CELL:
                        self._cells.put((frame.request, fields, blob))
                    elif frame.kind == frames.INPUT:
                        self._answers.put(fields)
                    elif frame.kind == frames.INTERRUPT:
                        self._interrupts.put(frame.request)
                    elif frame.kind == frames.COMPLETE:
                        self._questions.put((frame.request, fields))
                data = self._control.recv(1 << 16)
                if not data:
                    break
        finally:
            _exit(1)  # the agent is gone, or the tenant has closed the stream: nobody would hear of a cell

    def _send(self, kind: int, request: int, body: bytes) -> None:
        with self._sending:
            self._control.sendall(frames.encode(kind, request, body))

    def _answer_questions(self) -> None:
        while True:
            request, fields = self._questions.get()
            try:
                look = completion.help_at if fields["help"] else completion.complete
                answer = _dumps(look(self._main.__dict__, fields["code"], fields["cursor"]))
            except BaseException:
                answer = "{}"  # a namespace that is being changed meanwhile, say
            self._send(frames.COMPLETED, request, answer.encode())

    # A cell.

    def _run(self, request: int, number: int, source: bytes) -> None:
        self._request, self._value = request, None
        name = "Cell %d" % number
        code, status = 0, OK
        try:
            text = source.decode("utf-8", "surrogateescape")
            self._lines[name] = (len(text), None, [line + "\n" for line in text.split("\n")], name)
            self._in_cell = True
            self._execute(text, name)
        except SystemExit as stop:
            code = program.exit_code(stop.code)
            status = OK if code == 0 else ERROR
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            status = INTERRUPTED if interrupted else OUT_OF_MEMORY if isinstance(error, MemoryError) else ERROR
            try:
                self._report(error)
            except KeyboardInterrupt:
                status = INTERRUPTED  # the tenant's `__str__` may take its time
            code = 130 if status == INTERRUPTED else 1
            del error
        self._in_cell = False
        if os.getpid() != self._pid:
            _flush()
            _exit(code)  # a fork that the cell made and let run to its end
        _reopen_stdin()
        _flush()
        self._done(status, code)

    def _done(self, status: int, code: int) -> None:
        said = _dumps({"value": self._value}).encode()
        self._send(DONE, self._request, STATUS.pack(status, code) + said)

    def _execute(self, text: str, name: str) -> None:
        import ast

        flags = self._flags | _TOP_LEVEL_AWAIT
        tree: Any = compile(text, name, "exec", flags | _ONLY_AST, dont_inherit=True)
        shown = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not _ends_quietly(text, tree.body[-1]):
            shown = ast.Interactive([tree.body.pop()])
        codes = []
        for part, mode in ((tree, "exec"), (shown, "single")):
            if part is not None and part.body:
                code = compile(part, name, mode, flags, dont_inherit=True)
                self._flags |= code.co_flags & self._features
                codes.append(code)
        if any(code.co_flags & _COROUTINE for code in codes):
            self._run_in_loop(self._await_each(codes))
        else:
            for code in codes:
                exec(code, self._main.__dict__)

    async def _await_each(self, codes: List[types.CodeType]) -> None:
        for code in codes:
            if code.co_flags & _COROUTINE:
                await eval(code, self._main.__dict__)
            else:
                exec(code, self._main.__dict__)

    def _run_in_loop(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a cell that awaits; tasks that it leaves go on with the next such cell."""
        import asyncio

        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        task = self._loop.create_task(coroutine)
        try:
            self._loop.run_until_complete(task)
        except KeyboardInterrupt:
            if not task.done():  # else the interrupt ended it, and the loop would wait for ever
                task.cancel()
                try:
                    self._loop.run_until_complete(task)
                except asyncio.CancelledError:
                    pass
            raise

    def _display(self, value: object) -> None:
        """Note the value instead of printing it; as `sys.displayhook` does, keep it in `_`."""
        if value is None:
            return
        last = getattr(self._builtins, "_", None)
        self._builtins._ = None  # type: ignore[attr-defined]
        text = repr(value)
        if len(text) > _LONGEST_VALUE:
            text = "%s… (%d characters)" % (text[:_LONGEST_VALUE], len(text))
        self._value = text
        self._builtins.__ = last  # type: ignore[attr-defined]
        self._builtins._ = value  # type: ignore[attr-defined]

    def _report(self, error: BaseException) -> None:
        """Print the traceback, by the tenant's own `sys.excepthook` if there is one."""
        import re
        import traceback

        trace = error.__traceback__
        while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("Cell "):
            trace = trace.tb_next  # ours, and the event loop's
        try:
            if sys.excepthook is not sys.__excepthook__:
                sys.excepthook(type(error), error, trace)
                return
            told = traceback.TracebackException(type(error), error, trace)
            _leave_us_out(told)
            cell = r'^([\s|]*)File "(Cell \d+)", (line \d+)(?:, in <module>)?'
            sys.stderr.write(re.sub(cell, r"\1\2, \3", "".join(told.format()), flags=re.M))
        except KeyboardInterrupt:
            raise
        except BaseException:
            sys.__excepthook__(type(error), error, trace)

    def _interrupted(self, _signal: int, _frame: Optional[types.FrameType]) -> None:
        self._heard = self._request
        if self._in_cell:
            raise KeyboardInterrupt

    def _insist(self) -> None:
        """Repeat an interrupt that came between the last look for signals and a call that waits.

        Python looks for signals between two lines; one that arrives after that, but before the
        system call has begun, ends no wait. `asyncio` in an idle loop is where it happens.
        """
        import threading
        import time

        main, sleep = threading.main_thread().ident or 0, time.sleep
        while True:
            request = self._interrupts.get()
            for _ in range(_REPEATS):
                sleep(_REPEAT_AFTER)
                done = self._heard == request or self._request != request or not self._in_cell
                if done or signal.getsignal(signal.SIGINT) != self._interrupted:
                    break
                _pthread_kill(main, signal.SIGINT)

    # Asking the person.

    def _input(self, prompt: object = "") -> str:
        """What `input` is in a session."""
        return self._ask(str(prompt), secret=False)

    def _getpass(self, prompt: str = "Password: ", stream: Any = None, **_: Any) -> str:  # noqa: ARG002
        """What `getpass.getpass` is in a session."""
        return self._ask(prompt, secret=True)

    def _ask(self, prompt: str, secret: bool) -> str:
        if os.getpid() != self._pid or not self._in_cell:
            raise EOFError("EOF when reading a line")
        _flush()
        self._serial += 1
        question = {"serial": self._serial, "prompt": prompt[:_LONGEST_VALUE], "secret": secret}
        self._send(frames.INPUT_WANTED, self._request, _dumps(question).encode())
        while True:
            answer = self._answers.get()
            if answer["serial"] == self._serial:
                break  # else one that was interrupted before its answer came
        if answer["text"] is None:
            raise EOFError("EOF when reading a line")
        return str(answer["text"])


def _ends_quietly(text: str, last: ast.Expr) -> bool:
    """Whether the last expression is followed by a semicolon: then it is not echoed."""
    rest = text.split("\n")[(last.end_lineno or 1) - 1].encode("utf-8", "surrogateescape")[last.end_col_offset :]
    return rest.strip().startswith(b";")


def _leave_us_out(told: traceback.TracebackException) -> None:
    """Take our own frames out of a traceback: of `input`, and of what an interrupt runs into."""
    told.stack[:] = [frame for frame in told.stack if not frame.filename.startswith("engine.")]
    for other in (told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())):
        if other is not None:
            _leave_us_out(other)


def _reopen_stdin() -> None:
    """`exit` closes it."""
    try:
        if sys.stdin is None or sys.stdin.closed:
            sys.stdin = os.fdopen(0, closefd=False)
    except BaseException:
        pass  # the tenant has put something else there, or closed the descriptor


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass  # the tenant has closed or replaced it


def serve(control: socket.socket, begun: bytes) -> NoReturn:
    """Turn a child that waits into an interpreter; see `Interpreter`.

    Args:
        begun: what has been read of the stream already.
    """
    try:
        Interpreter(control, begun).serve()
    finally:
        _exit(1)  # the control stream is gone
