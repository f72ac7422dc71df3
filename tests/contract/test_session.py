"""Sessions on every backend: what a person at a prompt sees, and what is left when they go."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.backends.base import Guarantee
from engine.cells import CompletionKind, InputRequest, Mode
from engine.errors import PoolClosed, PoolError, RequestError, SessionLost
from engine.execution import Outcome, OutputCallback
from engine.session import Session
from tests.contract.conftest import Bench
from tests.waiting import eventually


@pytest.fixture
def session(bench: Bench) -> Iterator[Session]:
    with bench.pool.session() as session:
        yield session


def _interrupt_when_it_speaks(session: Session) -> OutputCallback:
    """Interrupts once, at the cell's own output, and not again at the traceback."""
    return lambda name, _: session.interrupt() if name == "stdout" else None


# State and values.


def test_state_persists_and_the_last_value_is_echoed(session: Session) -> None:
    first = session.run("x = 1\ndef f(n):\n    return n + x")
    assert (first.outcome, first.value, first.number) == (Outcome.OK, None, 1)
    second = session.run("import math\nf(2)")
    assert (second.value, second.number, second.stdout) == ("3", 2, "")
    assert session.run("math.floor(_ + 0.5), _").value == "(3, 3)"
    assert session.run("__").value == "3"


def test_none_and_a_closing_semicolon_are_not_echoed(session: Session) -> None:
    assert session.run("None").value is None
    assert session.run("1 + 1;").value is None
    assert session.run("'a;'  # b;").value == "'a;'"


def test_main_is_real(session: Session) -> None:
    session.run("import dataclasses, pickle, inspect\n@dataclasses.dataclass\nclass P:\n    x: 'int'\ndef f(): 'doc'")
    assert session.run("pickle.loads(pickle.dumps(P(1)))").value == "P(x=1)"
    assert session.run("import __main__\n__main__.P is P, P.__module__").value == "(True, '__main__')"
    assert session.run("inspect.getsource(f).strip()").value == "\"def f(): 'doc'\""


def test_future_statements_hold_for_later_cells(session: Session) -> None:
    session.run("from __future__ import annotations")
    assert session.run("def f(a: not_defined): pass\nf.__annotations__").value == "{'a': 'not_defined'}"


def test_top_level_await_shares_one_loop(session: Session) -> None:
    session.run(
        "import asyncio\nevent = asyncio.Event()\ntask = asyncio.ensure_future(event.wait()); await asyncio.sleep(0)"
    )
    assert session.run("event.set()\nawait task").value == "True"
    assert session.run("async def gen():\n    yield 1\n[x async for x in gen()]").value == "[1]"


def test_values_are_bounded(session: Session) -> None:
    value = session.run("'x' * 1_000_000").value
    assert value is not None
    assert len(value) < 70_000
    assert value.endswith("… (1000002 characters)")


# Errors.


def test_traceback_shows_the_cells_own_lines_and_nothing_of_ours(session: Session) -> None:
    session.run("def f(x):\n    return 1 / x")
    result = session.run("y = 0\nf(y)")
    assert (result.outcome, result.exit_code) == (Outcome.ERROR, 1)
    lines = [line for line in result.stderr.splitlines() if "~" not in line and "^" not in line]
    assert lines == [
        "Traceback (most recent call last):",
        "  Cell 2, line 2",
        "    f(y)",
        "  Cell 1, line 2, in f",
        "    return 1 / x",
        "ZeroDivisionError: division by zero",
    ]


@pytest.mark.parametrize(
    "code",
    [
        "if x\n    pass",
        "input()",
        "import asyncio\nasync def f(): 1/0\nawait f()",
        "raise ExceptionGroup('g', [ValueError(1)]) from KeyError(2)",
        "class R:\n    def __repr__(self): 1/0\nR()",
        "b'\\xff'.decode()",
        "def f():\n    f()\nf()",
    ],
)
def test_no_frame_of_ours_in_any_traceback(session: Session, code: str) -> None:
    result = session.run(code)
    assert result.outcome is Outcome.ERROR
    assert "engine" not in result.stderr
    assert "Cell 1, line" in result.stderr
    assert session.run("'on'").value == "'on'"


def test_exit_ends_the_cell_and_not_the_session(session: Session) -> None:
    session.run("x = 1")
    result = session.run("import sys\nsys.exit(3)")
    assert (result.outcome, result.exit_code, result.state_lost) == (Outcome.ERROR, 3, False)
    assert session.run("exit()").outcome is Outcome.OK
    assert session.run("import sys\nx, sys.stdin.read()").value == "(1, '')"


# Output and input.


def test_output_streams_while_the_cell_runs(session: Session) -> None:
    seen: list[tuple[str, bytes]] = []
    arrived = threading.Event()

    def on_output(name: str, data: bytes) -> None:
        seen.append((name, data))
        arrived.set()

    code = "import sys\nprint('now')\nimport threading\nthreading.Event().wait()"
    runner = threading.Thread(target=session.run, args=(code,), kwargs={"on_output": on_output})
    runner.start()
    assert arrived.wait(10)
    assert seen[0] == ("stdout", b"now\n")
    session.interrupt()
    runner.join(10)


def test_output_is_bounded_for_each_cell(session: Session) -> None:
    result = session.run("print('x' * 3_000_000)")
    assert (len(result.stdout_bytes), result.truncated) == (1 << 20, ("stdout",))
    assert session.run("print('y' * 10)").stdout == "y" * 10 + "\n"


def test_input_and_getpass_ask_the_person(session: Session) -> None:
    asked: list[InputRequest] = []

    def answer(question: InputRequest) -> str:
        asked.append(question)
        return f"answer {len(asked)}"

    result = session.run(
        "print('before')\n(input('name? '), __import__('getpass').getpass('secret: '))", on_input=answer
    )
    assert result.value == "('answer 1', 'answer 2')"
    assert asked == [InputRequest("name? ", False), InputRequest("secret: ", True)]


def test_what_was_printed_comes_before_the_question(session: Session) -> None:
    order: list[str] = []
    session.run(
        "print('a', end='')\ninput()\nprint('b')",
        on_output=lambda _, data: order.append(data.decode()),
        on_input=lambda _: order.append("?") or "",  # type: ignore[func-returns-value]
    )
    assert order == ["a", "?", "b\n"]


def test_no_answer_and_every_other_way_to_read_is_end_of_file(session: Session) -> None:
    code = "try:\n    input()\nexcept EOFError as e:\n    print(e)\nimport sys, os\nsys.stdin.readline(), os.read(0, 9)"
    result = session.run(code, on_input=lambda _: None)
    assert (result.stdout, result.value) == ("EOF when reading a line\n", "('', b'')")


def test_answer_to_a_question_that_was_interrupted_is_not_the_next_ones(session: Session) -> None:
    def interrupt(_: InputRequest) -> str:
        session.interrupt()
        return "late"

    assert session.run("input()", on_input=interrupt).outcome in (Outcome.CANCELLED, Outcome.OK)
    assert session.run("input()", on_input=lambda _: "mine").value == "'mine'"


# Interrupt and deadline.


def test_interrupt_raises_inside_and_keeps_the_state(session: Session) -> None:
    session.run("x = 5")
    code = "try:\n    print('on')\n    while True: pass\nfinally:\n    print('cleaned up')"
    result = session.run(code, on_output=lambda _, data: session.interrupt() if data == b"on\n" else None)
    assert (result.outcome, result.state_lost) == (Outcome.CANCELLED, False)
    assert result.stdout == "on\ncleaned up\n"
    assert result.stderr.endswith("KeyboardInterrupt\n")
    assert session.run("x").value == "5"


def test_interrupt_reaches_what_the_cell_has_started(session: Session) -> None:
    code = "import subprocess\nprint('on')\nsubprocess.run(['sleep', '60'])"
    result = session.run(code, on_output=_interrupt_when_it_speaks(session))
    assert (result.outcome, result.state_lost) == (Outcome.CANCELLED, False)


def test_interrupt_of_an_await(session: Session) -> None:
    code = "import asyncio\nprint('on')\nawait asyncio.sleep(60)"
    result = session.run(code, on_output=_interrupt_when_it_speaks(session))
    assert result.outcome is Outcome.CANCELLED
    assert session.run("await asyncio.sleep(0, 'goes on')").value == "'goes on'"


def test_interrupt_between_cells_does_nothing(session: Session) -> None:
    session.run("x = 1")
    session.interrupt()
    assert session.run("x").value == "1"


def test_second_interrupt_kills_and_says_that_the_state_is_lost(session: Session) -> None:
    session.run("x = 1")
    open_ended = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('on')\nwhile True: pass"

    def twice(*_: object) -> None:
        session.interrupt()
        session.interrupt()

    result = session.run(open_ended, on_output=twice)
    assert (result.outcome, result.state_lost) == (Outcome.CANCELLED, True)
    assert not session.alive
    assert session.run("'x' in globals()").value == "False"


def test_deadline_kills_and_says_that_the_state_is_lost(session: Session) -> None:
    session.run("open('kept', 'w').close()")
    container = session.container_id
    result = session.run("while True: pass", timeout=0.3)
    assert (result.outcome, result.state_lost) == (Outcome.TIMEOUT, True)
    fresh = session.run("import os\nos.listdir()")
    assert (fresh.value, session.container_id) == ("['kept']", container), "the same container, its files still there"


@pytest.mark.parametrize(
    ("code", "outcome", "signal"),
    [
        ("import os\nos._exit(7)", Outcome.ERROR, None),
        ("import os\nos.kill(os.getpid(), 9)", Outcome.KILLED, 9),
        ("import ctypes\nctypes.string_at(0)", Outcome.KILLED, 11),
    ],
)
def test_interpreter_that_ends_is_told(session: Session, code: str, outcome: Outcome, signal: int | None) -> None:
    result = session.run(code)
    assert (result.outcome, result.signal, result.state_lost) == (outcome, signal, True)
    assert session.run("1").value == "1"


def test_interpreter_that_ended_between_cells_is_told_and_the_cell_not_run(session: Session) -> None:
    session.run("import threading, os\nthreading.Timer(0.05, os._exit, [3]).start()")
    interpreter = session._interpreter
    assert interpreter is not None
    eventually(lambda: not interpreter.complete("thre", 4, about=False, timeout=1))
    with pytest.raises(SessionLost, match="it exited with status 3"):
        session.run("open('ran', 'w')")
    assert session.run("import os\nos.listdir()").value == "[]"


def test_memory_error_keeps_the_session_and_a_kill_for_memory_is_told(session: Session, bench: Bench) -> None:
    result = session.run("x = bytearray(1 << 40)")
    assert (result.outcome, result.state_lost) == (Outcome.OUT_OF_MEMORY, False)
    bench.require(Guarantee.MEMORY)
    result = session.run("x = [bytearray(b'x' * (1 << 20)) for _ in range(400)]")
    assert (result.outcome, result.state_lost) == (Outcome.OUT_OF_MEMORY, True)


def test_fork_that_runs_to_its_end_does_not_end_the_session(session: Session) -> None:
    result = session.run("import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('parent' if pid else 'child')")
    assert sorted(result.stdout.split()) == ["child", "parent"]
    assert session.run("pid > 0").value == "True"


def test_interpreter_that_spoils_its_stream_is_killed(session: Session) -> None:
    code = (
        "import os\nfor fd in range(3, 64):\n try: os.write(fd, b'\\xff' * 64)\n except OSError: pass\nwhile True: pass"
    )
    result = session.run(code, timeout=10)
    assert (result.outcome, result.state_lost) == (Outcome.KILLED, True)
    assert "stream" in result.reason
    assert session.run("1").value == "1"


# Completion and help.


@pytest.mark.parametrize(
    ("code", "expected", "kind"),
    [
        ("os.path.jo", "join", CompletionKind.FUNCTION),
        ("numb", "numbers", CompletionKind.NAME),
        ("table['ap", "apple", CompletionKind.KEY),
        ("table['nested']['in", "inner", CompletionKind.KEY),
        ("area(wi", "width=", CompletionKind.ARGUMENT),
        ("area(1, he", "height=", CompletionKind.ARGUMENT),
        ("import js", "json", CompletionKind.MODULE),
        ("from os import pat", "path", CompletionKind.MODULE),
        ("whi", "while", CompletionKind.KEYWORD),
        ("thing.me", "method", CompletionKind.FUNCTION),
        ("'abc'.upp", "upper", CompletionKind.FUNCTION),
        ("x = 1\nnumbers.app", "append", CompletionKind.FUNCTION),
    ],
)
def test_completion_from_the_live_namespace(session: Session, code: str, expected: str, kind: CompletionKind) -> None:
    session.run(
        "import os\nnumbers = [1]\ntable = {'apple': 1, 'nested': {'inner': 2}}\ndef area(width, height=2): 'Size.'\n"
        "class Thing:\n    def method(self): pass\n    @property\n    def costly(self): print('RAN')\nthing = Thing()"
    )
    found = session.complete(code, len(code), timeout=5)
    match = next(item for item in found.items if item.text == expected)
    assert match.kind is kind
    assert expected.startswith(code[found.start :])


def test_completion_runs_no_property(session: Session) -> None:
    session.run(
        "class T:\n    @property\n    def p(self):\n        open('ran', 'w')\n        return 'x'\n"
        "    def __getattr__(self, name):\n        open('ran', 'w')\n        raise AttributeError\nt = T()"
    )
    assert [item.text for item in session.complete("t.p", 3, timeout=5).items] == ["p"]
    assert session.complete("t.p.up", 6, timeout=5).items == ()
    assert session.complete("t.q.up", 6, timeout=5).items == ()
    assert session.help("t.p", 3, timeout=5).doc == ""
    assert session.run("import os\nos.path.exists('ran')").value == "False"


def test_completion_while_a_cell_runs(session: Session) -> None:
    session.run("import os")
    found: list[str] = []

    def complete(name: str, _: bytes) -> None:
        if name == "stderr":
            return  # the traceback of the interrupt
        helper = threading.Thread(
            target=lambda: (
                found.extend(item.text for item in session.complete("os.getc", 7, timeout=5).items),
                session.interrupt(),
            )
        )
        helper.start()

    result = session.run("print('on')\nimport time\nwhile True: time.sleep(0.01)", on_output=complete)
    assert result.outcome is Outcome.CANCELLED
    assert found == ["getcwd", "getcwdb"]


def test_completion_that_outlives_its_session_steals_nothing_of_the_next(bench: Bench) -> None:
    """A thread that still waits for a completion would read the answers to another session."""
    for _ in range(5):
        with bench.pool.session() as session:
            session.run("import threading\nclass Slow:\n    def __dir__(self): threading.Event().wait()\nslow = Slow()")
            late = threading.Thread(target=session.complete, args=("slow.a", 6), kwargs={"timeout": 1})
            late.start()
        with bench.pool.session() as session:
            assert session.run("1").value == "1"
        late.join()


def test_questions_at_the_same_time_are_all_answered(session: Session) -> None:
    """A prompt asks for completions and for the signature with each key."""
    session.run("import os")
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(session.complete, "os.getc", 7, 5) for _ in range(40)]
        helped = [threads.submit(session.help, "os.getcwd", 9, 5) for _ in range(40)]
        assert all(len(future.result().items) == 2 for future in asked)
        assert all(future.result().name == "os.getcwd" for future in helped)


def test_completion_that_cannot_be_had_is_empty_and_in_time(session: Session) -> None:
    assert session.complete("os.", 3).items == (), "before the first cell"
    session.run("import threading\nclass Slow:\n    def __dir__(self): threading.Event().wait()\nslow = Slow()")
    assert session.complete("slow.a", 6, timeout=0.1).items == ()
    assert session.run("1").value == "1", "and delays no cell"


def test_help_of_the_call_around_and_of_the_name(session: Session) -> None:
    session.run("def area(width, height=2):\n    '''The size\n    of it.'''")
    around = session.help("area(1, ", 8, timeout=5)
    assert (around.name, around.signature, around.doc) == ("area", "area(width, height=2)", "The size\nof it.")
    assert session.help("len", 2, timeout=5).signature == "len(obj, /)"
    assert session.help("nothing", 3, timeout=5).name == ""


# Files.


def test_files_in_out_and_listed(session: Session) -> None:
    session.put("data/in.txt", b"hello")
    result = session.run("open('out.png', 'wb').write(b'123'); open('data/in.txt').read()")
    assert result.value == "'hello'"
    assert [(file.path, file.size, file.type, file.is_picture) for file in result.new_files] == [
        ("out.png", 3, "image/png", True)
    ]
    assert {file.path: file.size for file in session.files()} == {"data/in.txt": 5, "out.png": 3}
    assert session.get("out.png") == b"123"
    assert session.run("1").new_files == ()
    changed = session.run("open('data/in.txt', 'a').write('!')")
    assert [file.path for file in changed.new_files] == ["data/in.txt"]


def test_files_that_cannot_be_had_are_refused(session: Session) -> None:
    session.run("import os\nos.symlink('/etc/passwd', 'link')\nopen('large', 'wb').truncate(5 << 20)")
    for path, why in (("absent", "no file"), ("link", "no file"), ("large", "more than")):
        with pytest.raises(RequestError, match=why):
            session.get(path)
    with pytest.raises(RequestError, match="leaves"):
        session.put("../x", b"")
    with pytest.raises(RequestError, match="cannot put link/x"):
        session.put("link/x", b"")
    with pytest.raises(RequestError, match="more than"):
        session.put("x", bytes(5 << 20))
    assert session.run("1").value == "1"


def test_file_names_are_no_patterns(session: Session) -> None:
    session.run("open('a[1]*', 'w').write('x')\nopen('a1', 'w').write('y')")
    assert session.get("a[1]*") == b"x"


# One-shot mode, reset, and the end.


def test_oneshot_cells_echo_and_keep_nothing(session: Session) -> None:
    session.run("x = 1")
    session.mode = Mode.ONESHOT
    assert not session.alive
    assert session.run("y = 2\ny").value == "2"
    result = session.run("[name for name in ('x', 'y') if name in globals()], input()", on_input=lambda _: "asked")
    assert result.value == "([], 'asked')"
    assert not session.alive
    assert result.timing.scrub is None or result.timing.scrub > 0
    with pytest.raises(RequestError, match="keep no files"):
        session.files()


def test_reset_is_a_fresh_interpreter_and_keeps_files(session: Session) -> None:
    session.run("x = 1\nopen('kept', 'w').close()\nimport subprocess\nsubprocess.Popen(['sleep', '60'])")
    container = session.container_id
    session.reset()
    assert session.run("'x' in globals()").value == "False"
    assert ([file.path for file in session.files()], session.container_id) == (["kept"], container)


def test_reset_many_times(session: Session) -> None:
    """A killed interpreter may be reaped before the agent has heard of its end."""
    session.run("x = 1")
    container = session.container_id
    for _ in range(30):
        session.reset()
    assert (session.run("'x' in globals()").value, session.container_id) == ("False", container)


def test_one_cell_at_a_time(session: Session) -> None:
    refused: list[str] = []

    def again(name: str, _: bytes) -> None:
        if name == "stderr":
            return  # the traceback of the interrupt
        for call in (lambda: session.run("1"), session.files, session.reset):
            try:
                call()
            except PoolError as error:
                refused.append(error.message)
        session.interrupt()

    session.run("print('on')\nwhile True: pass", on_output=again)
    assert len(refused) == 3
    assert all("a cell runs" in message for message in refused)


def test_closed_session_returns_its_container(bench: Bench) -> None:
    session = bench.pool.session()
    session.run("x = 1")
    assert bench.pool.snapshot().in_use == 1
    session.close()
    session.close()
    eventually(lambda: bench.pool.snapshot().available == 1)
    with pytest.raises(PoolClosed):
        session.run("1")


def test_nothing_of_a_session_reaches_the_next_holder(bench: Bench) -> None:
    container = bench.pool.snapshot().containers[0].id
    with bench.pool.session() as session:
        session.run(
            "import os, subprocess, builtins\nopen('left', 'w').write('x')\n"
            "builtins.LEFT = 1\nos.environ['LEFT'] = '1'\nsubprocess.Popen(['sleep', '999'])\nos.umask(0)"
        )
        session.run("import threading\nthreading.Thread(target=threading.Event().wait).start()")
    with bench.pool.session() as session:
        look = "import os, builtins\n(os.listdir(), hasattr(builtins, 'LEFT'), 'LEFT' in os.environ, os.umask(0o22))"
        assert session.run(look).value == f"([], False, False, {0o22})"
        if bench.promises(Guarantee.PROCESSES):
            assert session.run("len([p for p in os.listdir('/proc') if p.isdigit()])").value in ("2", "3")
        assert session.container_id == container or not bench.promises(Guarantee.FILESYSTEM)


def test_programs_run_as_before_after_a_session(bench: Bench) -> None:
    with bench.pool.session() as session:
        session.run("x = 1")
    assert bench.run("print('next', 'x' in globals())").stdout == "next False\n"


def test_figures_are_of_the_cell(session: Session) -> None:
    busy = session.run("import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass")
    quiet = session.run("time.sleep(0.1)")
    assert 0.15 < (busy.cpu_time or 0) < 1
    assert (quiet.cpu_time or 0) < 0.1
    assert quiet.timing.run >= 0.1
    assert os.sep not in session.container_id
