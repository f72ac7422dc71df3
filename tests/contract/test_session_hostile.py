"""Cells that try to confuse, starve or outlive their session, on every backend."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from engine.cells import InputRequest, Mode
from engine.errors import PoolClosed, RequestError
from engine.execution import Outcome
from engine.session import Session
from tests.contract.conftest import Bench
from tests.waiting import eventually

_US = """
import gc, struct
us = next(o for o in gc.get_objects() if type(o).__name__ == 'Interpreter' and hasattr(o, '_control'))
def say(kind, request, body):
    us._control.sendall(struct.pack('>IBI', len(body), kind, request) + body)
"""
"""Gets hold of the interpreter's own object: a tenant can."""


@pytest.fixture
def session(bench: Bench) -> Iterator[Session]:
    with bench.pool.session() as session:
        yield session


def test_threads_used_up_do_not_end_the_interpreter(session: Session) -> None:
    session.run(
        "import threading\nstop = threading.Event()\nx = 1\ntry:\n"
        " while True: threading.Thread(target=stop.wait, daemon=True).start()\nexcept RuntimeError: pass"
    )
    session.complete("thr", 3)
    session.interrupt()
    assert session.run("stop.set(); x", timeout=10).value == "1"


def test_long_keys_do_not_end_the_interpreter(session: Session) -> None:
    session.run("d = {('%03d ' % i) * 600: i for i in range(500)}\nd['short'] = 1\nx = 1")
    assert [item.text for item in session.complete("d['", 3, timeout=5).items] == ["short"]
    assert session.run("x").value == "1"


@pytest.mark.parametrize("code", ["y = '" + "a" * 60_000, "from a import " + " " * 60_000 + "!", "(" * 60_000])
def test_completion_in_long_text_delays_no_cell(session: Session, code: str) -> None:
    session.run("x = 1")
    session.complete(code, len(code))
    began = monotonic()
    assert session.run("x", timeout=10).value == "1"
    assert monotonic() - began < 5


def test_text_of_any_length_is_taken_or_refused(session: Session) -> None:
    session.run("import os")
    assert session.complete("#" * 5_000_000 + "\nos.getc", 5_000_008, timeout=5).items
    assert session.run("len(input())", on_input=lambda _: "a" * 5_000_000).value == str(1 << 18)
    with pytest.raises(RequestError):
        session.run("'" + "é" * 3_000_000 + "'")
    assert session.run("os.sep").value == "'/'"


def test_questions_that_are_not_answered_cannot_pile_up(session: Session) -> None:
    asked: list[InputRequest] = []
    flood = 'for i in range(3000): say(75, us._request, b\'{"serial": 0, "prompt": "%d"}\' % i)'
    result = session.run(_US + flood, on_input=lambda question: asked.append(question), timeout=10)  # type: ignore[func-returns-value]
    assert (result.outcome, result.state_lost) == (Outcome.KILLED, True)
    assert "question" in result.reason or "stream" in result.reason
    assert len(asked) < 3000
    assert session.run("1").value == "1"


def test_forged_ends_and_answers_are_the_tenants_own(session: Session) -> None:
    result = session.run(_US + "say(1, us._request, bytes([0, 0]) + b'{\"value\": [1]}')\nus._request, 'real'")
    assert result.outcome is Outcome.OK
    assert result.value in (None, "'real'")
    session.run(_US + "say(1, 999, b''); say(76, 999, b'[]'); say(200, 0, b'')")
    assert session.run("2").value == "2"


def test_harmful_completions_are_not_offered(session: Session) -> None:
    session.run(_US + "completion = type(us)._answer_questions.__globals__['completion']")
    session.run(
        "completion.complete = lambda *_: {'start': 0, 'items': [['%put x', 'name'], ['pri\\x1b[2J', 'name'],"
        " ['print\\n', 'name'], ['print', 'nonsense'], ['print', 'function']]}"
    )
    assert [item.text for item in session.complete("pri", 3, timeout=5).items] == ["print"]
    assert session.complete("x = 1\npri", 9, timeout=5).items == (), "nothing typed on an earlier line is replaced"


def test_many_and_long_file_names_end_nothing(session: Session) -> None:
    result = session.run(
        "import os\nd = b'\\xff' * 250\nfolder = b'/'.join([d] * 2)\nos.makedirs(folder)\n"
        "for i in range(1000): open(folder + b'/' + b'%04d' % i + d[:240], 'w').close()"
    )
    assert result.outcome is Outcome.OK
    assert 0 < len(session.files()) < 1000
    assert session.run("1").value == "1"


def test_file_is_fetched_however_many_others_there_are(session: Session) -> None:
    session.run(
        "import os\nos.mkdir('a')\nfor i in range(5000): open(f'a/{i}', 'w').close()\nos.mkdir('b')\n"
        "open('b/x', 'w').write('here')"
    )
    assert session.get("b/x") == b"here"


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nclass F:\n    def readline(self): return 'a'\nsys.stdin = F()",
        "import json\njson.dumps = lambda *a, **k: b'{}'",
        "import os\nos.close(0)\nexit()",
        "import sys\nsys.stdout = None\nsys.stderr = 5",
        "import sys\nsys.displayhook = None",
        "import sys\ndel sys.modules['__main__']",
        "import builtins\ndel builtins.print\nbuiltins.input = None",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)",
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "globals()[1] = 2",
        "def f(): pass\nf.__doc__ = 5",
        "import sys\nsys.excepthook = 3\n1/0",
        "import gc\ngc.freeze()\nimport linecache\nlinecache.cache = None",
        "raise SystemExit(object())",
        "x = '\\ud800'\nx",
    ],
)
def test_what_a_cell_changes_ends_nothing(session: Session, code: str) -> None:
    session.run("kept = 41")
    assert not session.run(code, timeout=10).state_lost
    assert session.run("kept + 1;", timeout=10).outcome is Outcome.OK
    assert session.complete("kep", 3, timeout=5).items[0].text == "kept"


def test_interpreter_that_ends_itself_says_how(session: Session) -> None:
    result = session.run("import os\nos.closerange(3, 100)")
    assert result.state_lost or session.run("1").value == "1"
    session.run("1")
    assert "status 7" in session.run("import os\nos._exit(7)").reason


def test_completion_and_help_run_nothing_of_the_tenants(session: Session) -> None:
    session.run(
        "def ran(*_): open('ran', 'w').close()\n"
        "class P:\n    @classmethod\n    @property\n    def p(cls): ran()\n"
        "class M(type):\n    def __getattribute__(cls, name):\n        ran()\n"
        "        return type.__getattribute__(cls, name)\n"
        "class C(metaclass=M): a = 'x'\n"
        "class S:\n    __slots__ = ['a']\n    def __getattr__(self, name): ran(); raise AttributeError\ns = S()\n"
        "class G:\n    def __call__(self, a): pass\n"
        "    def __getattr__(self, name): ran(); raise AttributeError\ng = G()\n"
        "class R:\n    def __repr__(self): ran(); return 'r'\ndef f(a=R()): pass\n"
        "class L:\n    @property\n    def __class__(self): ran(); return int\nlazy = L()\n"
        "class D:\n    def __dir__(self): ran(); return []\n"
        "    @property\n    def __dict__(self): ran(); return {}\nd = D()\n"
    )
    session.run("import os\nif os.path.exists('ran'): os.unlink('ran')")
    for code in ("P.p.up", "C.attr.up", "C.a.up", "s.a.up", "s.", "g(", "f(", "la", "lazy.", "d.", "d.x.y", "P().p."):
        session.complete(code, len(code), timeout=5)
        session.help(code, len(code), timeout=5)
    assert session.run("os.path.exists('ran')").value == "False"
    assert session.help("f(", 2, timeout=5).signature == "f(a=…)"


def test_interrupt_while_a_traceback_is_made_is_heard(session: Session) -> None:
    code = (
        "import time\nclass E(Exception):\n    def __str__(self):\n        print('on')\n        time.sleep(60)\nraise E"
    )
    result = session.run(code, timeout=30, on_output=lambda name, _: session.interrupt() if name == "stdout" else None)
    assert (result.timing.run < 20, result.state_lost) == (True, False)


def test_question_nobody_can_answer_delays_no_cell(session: Session) -> None:
    session.run("x = 1")
    session.run(_US + "completion = type(us)._answer_questions.__globals__['completion']")
    session.run("import threading\ncompletion.complete = lambda *_: threading.Event().wait()")
    late = threading.Thread(target=session.complete, args=("x", 1), kwargs={"timeout": 4})
    late.start()
    began = monotonic()
    assert session.run("x").value == "1"
    assert monotonic() - began < 2
    late.join()


def test_session_closed_while_it_waits_keeps_no_container(bench: Bench) -> None:
    held = bench.pool.get_container(20)
    session = bench.pool.session()
    refused: list[Exception] = []

    def run() -> None:
        try:
            session.run("1", wait=20)
        except PoolClosed as error:
            refused.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    eventually(lambda: bench.pool.snapshot().waiting == 1)
    session.close()
    held.release()
    runner.join(20)
    assert len(refused) == 1
    eventually(lambda: bench.pool.snapshot().available == 1)


def test_notice_that_raises_stops_nobody(bench: Bench) -> None:
    def fail(_: str) -> None:
        raise ValueError("told")

    failures = bench.pool.counters.maintenance_failures
    with bench.pool.session(on_notice=fail) as session:
        session.run("1")
        session.warn("it rains", 60)
        session.spare()
        assert session.run("2").value == "2"
    assert bench.pool.counters.maintenance_failures == failures + 2


def test_abandoned_oneshot_cell_loses_no_state(session: Session) -> None:
    session.mode = Mode.ONESHOT

    def fail(*_: object) -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised two lines above
        session.run("print(1)\nimport time\ntime.sleep(9)", on_output=fail)
    assert session.run("1", wait=20).value == "1"
