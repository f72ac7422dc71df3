"""What a program sees and what comes back of it, on every backend."""

from __future__ import annotations

import threading

import pytest

from engine.agent.channel import AgentChannel
from engine.backends.base import Guarantee
from engine.errors import PoolError, RequestError
from engine.execution import ExecutionRequest, Outcome
from tests.contract.conftest import Bench


def test_output_and_status(bench: Bench) -> None:
    result = bench.run("import sys\nprint('out')\nprint('err', file=sys.stderr)")
    assert (result.outcome, result.exit_code) == (Outcome.OK, 0)
    assert (result.stdout, result.stderr) == ("out\n", "err\n")


def test_stdin_arguments_and_environment(bench: Bench) -> None:
    result = bench.run(
        "import os, sys\nprint(sys.stdin.read(), sys.argv[1:], os.environ['COLOUR'])",
        stdin="told",
        args=("a", "b c"),
        env={"COLOUR": "blue"},
    )
    assert result.stdout == "told ['a', 'b c'] blue\n"


def test_no_stdin_is_end_of_file(bench: Bench) -> None:
    assert bench.run("import sys\nprint(repr(sys.stdin.read()))").stdout == "''\n"


def test_large_stdin_arrives_whole(bench: Bench) -> None:
    data = bytes(range(256)) * 8192
    result = bench.run("import sys, hashlib\nprint(hashlib.sha1(sys.stdin.buffer.read()).hexdigest())", stdin=data)
    import hashlib

    assert result.stdout.strip() == hashlib.sha1(data).hexdigest()


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('told you')", 1, "told you\n"),
        ("import sys; sys.exit(-1)", 255, ""),
        ("raise SystemExit(300)", 44, ""),
        ("import os; os._exit(9)", 9, ""),
    ],
)
def test_exit_statuses_as_python_has_them(bench: Bench, code: str, status: int, said: str) -> None:
    result = bench.run(code)
    assert (result.exit_code, result.stderr) == (status, said)
    assert result.outcome is (Outcome.OK if status == 0 else Outcome.ERROR)


PROGRAMS = {
    "zero": "def f(x):\n    return 1 / x\n\nf(0)\n",
    "syntax": "x = 1\nif x\n    pass\n",
    "chained": "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('v') from e\n",
    "group": "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])\n",
    "recursion": "def f():\n    f()\nf()\n",
    "excepthook": "import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__, file=sys.stderr)\n1/0\n",
    "atexit": "import atexit\natexit.register(print, 'bye')\nprint('hi')\n",
    "thread": "import threading as t\nt.Timer(0.05, print, ['late']).start()\nprint('first')\n",
    "thread error": "import threading\nt = threading.Thread(target=lambda: 1/0, name='T')\nt.start(); t.join()\n",
    "warning": "import warnings\nwarnings.warn('careful')\n",
    "annotations": "x: int = 1\nprint(__annotations__, __name__, __doc__)\n",
    "latin": "# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))\n",
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_looks_as_under_plain_python(bench: Bench, name: str) -> None:
    """Output, traceback and status equal those of `python main.py` in the same container."""
    source = PROGRAMS[name].encode("latin-1")
    compare = (
        "import subprocess, sys, os\nos.mkdir('plain')\nopen('plain/main.py', 'wb').write(open('given', 'rb').read())\n"
        "p = subprocess.run([sys.executable, os.path.abspath('plain/main.py')], capture_output=True)\n"
        "sys.stdout.buffer.write(p.stdout)\nsys.stderr.buffer.write(p.stderr)\nsys.exit(p.returncode)"
    )
    plain = bench.run(compare, files={"given": source})
    result = bench.run(source)
    assert result.stderr == plain.stderr.replace("/plain/main.py", "/main.py")
    assert (result.stdout_bytes, result.exit_code) == (plain.stdout_bytes, plain.exit_code)


def test_no_frame_of_ours_anywhere(bench: Bench) -> None:
    result = bench.run("import sys\nprint([n for n in sys.modules if n.startswith('engine')], __file__)\n1/0")
    assert "engine" not in result.output
    assert result.stdout.startswith("[] ")


def test_invalid_utf8_is_kept(bench: Bench) -> None:
    result = bench.run("import sys\nsys.stdout.buffer.write(b'a\\xff\\xfeb')")
    assert result.stdout_bytes == b"a\xff\xfeb"
    assert result.stdout.encode("utf-8", "surrogateescape") == b"a\xff\xfeb"


def test_streams_keep_apart_and_in_order(bench: Bench) -> None:
    result = bench.run("import sys\nfor n in range(200):\n print(n)\n print(-n, file=sys.stderr)")
    assert result.stdout.split() == [str(n) for n in range(200)]
    assert result.stderr.split() == [str(-n) for n in range(200)]


def test_output_arrives_while_the_program_runs(bench: Bench) -> None:
    arrived = threading.Event()

    def on_output(name: str, data: bytes) -> None:
        arrived.set()

    with bench.pool.lease(20) as container:
        runner = threading.Thread(
            target=container.run,
            args=(ExecutionRequest("print('now')\nimport time\ntime.sleep(30)"), on_output),
        )
        runner.start()
        assert arrived.wait(10)
        container.cancel()
        runner.join(10)


def test_output_is_bounded_and_says_so(bench: Bench) -> None:
    result = bench.run("import sys\nsys.stdout.write('x' * 3_000_000)\nprint('end', file=sys.stderr)")
    assert result.outcome is Outcome.OK
    assert len(result.stdout_bytes) == 1 << 20
    assert result.truncated == ("stdout",)
    assert result.stderr == "end\n"


_EVERYWHERE = "for fd in range(3, 64):\n try: os.write(fd, forged)\n except OSError: pass"


def test_nothing_printed_is_taken_for_a_frame(bench: Bench) -> None:
    from engine.agent import frames

    forged = frames.encode_message(frames.RESULT, 1, {"outcome": "ok", "exit_code": 0})
    code = f"import os\nforged = {forged!r}\n{_EVERYWHERE}\nos.write(1, forged)\nos._exit(5)"
    result = bench.run(code)
    assert result.exit_code == 5
    assert result.stdout_bytes == forged


def test_program_cannot_claim_success_while_it_runs_on(bench: Bench) -> None:
    """A forged end is believed as an end, and what goes on behind it is killed."""
    from engine.agent import program

    done = program.DONE.pack(b"D", 0, 0)
    code = f"import os, time\nforged = {done!r}\nos.system('sleep 100 &')\n{_EVERYWHERE}\ntime.sleep(100)"
    result = bench.run(code)
    assert result.timing.run < 10
    assert bench.run("print('next')").stdout == "next\n"


def test_deadline_kills_everything_and_says_timeout(bench: Bench) -> None:
    result = bench.run(
        "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(3): os.fork()\nprint('on')\nwhile True: pass",
        timeout=0.5,
    )
    assert result.outcome is Outcome.TIMEOUT
    assert 0.5 <= result.timing.run < 5
    assert "on\n" in result.stdout


def test_cancel_from_another_thread(bench: Bench) -> None:
    with bench.pool.lease(20) as container:
        result = container.run(
            ExecutionRequest("print('started')\nwhile True: pass"), on_output=lambda *_: container.cancel()
        )
    assert result.outcome is Outcome.CANCELLED
    assert result.stdout == "started\n"


def test_signal_that_was_not_ours_is_killed(bench: Bench) -> None:
    result = bench.run("import os\nprint('x', flush=True)\nos.kill(os.getpid(), 9)")
    assert (result.outcome, result.signal, result.exit_code) == (Outcome.KILLED, 9, None)
    assert result.stdout == "x\n"
    assert bench.run("import os; os.abort()").signal == 6


def test_out_of_memory_is_told_apart(bench: Bench) -> None:
    result = bench.run("x = b'x' * (400 << 20)\nprint('no')")
    assert result.outcome is Outcome.OUT_OF_MEMORY
    assert result.stdout == ""


def test_memory_of_all_processes_together_is_bounded(bench: Bench) -> None:
    bench.require(Guarantee.MEMORY)
    result = bench.run(
        "import os, time\nfor _ in range(6):\n if not os.fork():\n  x = b'x' * (60 << 20); time.sleep(1); os._exit(0)\n"
        "print(any(os.wait()[1] for _ in range(6)))"
    )
    assert result.stdout == "True\n" or result.outcome is Outcome.OUT_OF_MEMORY


def test_cpu_time_and_peak_memory(bench: Bench) -> None:
    quiet = bench.run("import time; time.sleep(0.2)")
    work = "import os, time\ndef work():\n end = time.process_time() + 0.3\n while time.process_time() < end: pass\n"
    busy = bench.run(work + "x = b'x' * (50 << 20)\nwork()")
    child = bench.run(work + "if not os.fork():\n work()\n os._exit(0)\nos.wait()")
    assert quiet.cpu_time is not None
    assert quiet.peak_memory is not None
    assert quiet.cpu_time < 0.1
    assert 0.25 < (busy.cpu_time or 0) < 1.0
    assert 0.2 < (child.cpu_time or 0) < 1.0
    assert (busy.peak_memory or 0) > quiet.peak_memory + (40 << 20)


def test_files_in_and_out(bench: Bench) -> None:
    result = bench.run(
        "import pathlib\ntext = pathlib.Path('in/put.txt').read_text()\npathlib.Path('out').mkdir()\n"
        "pathlib.Path('out/a.txt').write_text(text.upper())\npathlib.Path('skip.bin').write_bytes(b'x')",
        files={"in/put.txt": b"hello", "empty": b""},
        fetch=("out/*", "empty", "absent"),
    )
    assert result.files == {"out/a.txt": b"HELLO", "empty": b""}


def test_large_file_survives_the_way_there_and_back(bench: Bench) -> None:
    data = bytes(range(256)) * 8000
    result = bench.run("import shutil; shutil.copy('a', 'b')", files={"a": data}, fetch=("b",))
    assert result.files == {"b": data}


def test_fetched_files_are_bounded_in_sum(bench: Bench) -> None:
    result = bench.run("for n in 'ab': open(n, 'wb').write(bytes(3 << 20))", fetch=("[ab]",))
    assert list(result.files) == ["a"]
    assert result.files_too_large == {"b": 3 << 20}


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", "a\0b"])
def test_names_that_climb_out_are_refused(path: str) -> None:
    with pytest.raises(RequestError):
        ExecutionRequest("1", files={path: b""})


def test_links_lead_neither_in_nor_out(bench: Bench) -> None:
    code = (
        "import os\nos.symlink('/etc/passwd', 'link.txt')\nos.symlink('/etc', 'dir')\nos.mkfifo('fifo.txt')\n"
        "open('real.txt', 'w').write('r')\nos.link('real.txt', 'hard.txt')"
    )
    result = bench.run(code, fetch=("*.txt", "dir/*"))
    assert set(result.files) == {"real.txt", "hard.txt"}
    with bench.pool.lease(20) as container:
        container.run(ExecutionRequest("import os\nos.symlink('/tmp', 'out')\nos.symlink('/tmp/target', 'name')"))
        with pytest.raises(RequestError, match="cannot put out/x"):
            container.run(ExecutionRequest("print('never')", files={"out/x": b"x"}))
        with pytest.raises(RequestError, match="cannot put name"):
            container.run(ExecutionRequest("print('never')", files={"name": b"x"}))


def test_search_for_files_ends_however_many_there_are(bench: Bench) -> None:
    code = (
        "import os\nopen('found.txt', 'w').write('x')\nfor n in range(5000): open(f'{n}.bin', 'w').close()\n"
        "for _ in range(2000):\n os.mkdir('d'); os.chdir('d'); open('deep.txt', 'w').close()"
    )
    result = bench.run(code, fetch=("*.txt",))
    assert result.outcome is Outcome.OK
    assert result.files["found.txt"] == b"x"
    assert 10 < len(result.files) < 100


def test_refused_request_runs_nothing_and_leaves_nothing(bench: Bench) -> None:
    with bench.pool.lease(20) as container:
        container.run("import os\nos.mkdir('taken')")
        with pytest.raises(RequestError, match="cannot put taken"):
            container.run(ExecutionRequest("open('ran', 'w')", files={"taken": b"x"}, stdin="not for the next"))
        result = container.run("import os, sys\nprint(os.path.exists('ran'), repr(sys.stdin.read()))")
    assert result.stdout == "False ''\n"


def test_cancel_that_overtakes_its_program_still_counts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.agent import frames

    original = AgentChannel._request_frames

    def cancelled_first(self: AgentChannel, number: int, *rest: object) -> object:
        yield frames.encode(frames.CANCEL, number)
        yield from original(self, number, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(AgentChannel, "_request_frames", cancelled_first)
    assert bench.run("while True: pass", timeout=20).outcome is Outcome.CANCELLED


def test_one_lease_runs_one_program_at_a_time(bench: Bench) -> None:
    refused: list[str] = []
    with bench.pool.lease(20) as container:

        def second(*_: object) -> None:
            try:
                container.run("print('two')")
            except PoolError as error:
                refused.append(error.message)

        assert container.run("print('one')", on_output=second).stdout == "one\n"
    assert len(refused) == 1
    assert "already" in refused[0]


def test_caller_whose_callback_fails_gets_its_error_and_the_pool_heals(bench: Bench) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        bench.pool.execute("print('x')\nwhile True: pass", on_output=fail)
    assert bench.run("print('healed')").stdout == "healed\n"


def test_randomness_is_fresh_in_every_child(bench: Bench) -> None:
    code = "import random, uuid, os, tempfile\nprint(random.random(), uuid.uuid4(), os.urandom(4), tempfile.mktemp())"
    assert len({bench.run(code).stdout for _ in range(5)}) == 5


def test_two_runs_of_one_lease_share_the_working_directory(bench: Bench) -> None:
    with bench.pool.lease(20) as container:
        container.run("open('kept', 'w').write('yes')")
        assert container.run("print(open('kept').read())").stdout == "yes\n"


def test_main_is_real(bench: Bench) -> None:
    code = (
        "import pickle, multiprocessing, inspect, dataclasses\n"
        "@dataclasses.dataclass\nclass P:\n    x: int\n"
        "def f(x):\n    return P(x.x + 1)\n"
        "if __name__ == '__main__':\n"
        "    print(pickle.loads(pickle.dumps(P(1))), inspect.getsource(P).count('x: int'))\n"
        "    for method in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(method).Pool(2) as pool:\n"
        "            print(pool.map(f, [P(1), P(2)]))\n"
    )
    result = bench.run(code)
    assert result.output == "P(x=1) 1\n[P(x=2), P(x=3)]\n[P(x=2), P(x=3)]\n"


def test_fork_that_runs_to_its_end_does_not_end_the_program(bench: Bench) -> None:
    result = bench.run("import os, time\nif os.fork():\n    os.wait()\n    print('parent')\nelse:\n    print('child')")
    assert result.stdout == "child\nparent\n"
    assert result.outcome is Outcome.OK


def test_daemon_that_keeps_stdout_open_delays_nothing(bench: Bench) -> None:
    result = bench.run("import subprocess\nsubprocess.Popen(['sleep', '60'])\nprint('done')")
    assert result.stdout == "done\n"
    assert result.timing.total < 10


def test_program_that_closes_its_descriptors_still_ends(bench: Bench) -> None:
    result = bench.run("import os\nprint('before', flush=True)\nos.closerange(0, 256)\nos._exit(3)")
    assert (result.stdout, result.exit_code) == ("before\n", 3)
    assert bench.run("import os\nos.closerange(3, 256)\nprint('x')\nraise SystemExit(4)").exit_code == 4


def test_agent_that_sends_garbage_is_a_typed_loss(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are not frames end the container, not the caller."""
    with bench.pool.lease(20) as container:
        stream = container.container.agent()._stream
        monkeypatch.setattr(type(stream), "receive", lambda self, size: b"\xff" * 64)
        result = container.run("print(1)")
    monkeypatch.undo()
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "not a frame" in result.reason
    assert bench.run("print('healed')").stdout == "healed\n"


def test_agent_that_does_not_answer_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import engine.agent.channel as channel

    monkeypatch.setattr(channel, "GRACE", 0.2)
    with bench.pool.lease(20) as container:
        monkeypatch.setattr(AgentChannel, "_request_frames", lambda *_: iter(()))  # the request never arrives
        result = container.run(ExecutionRequest("print(1)", timeout=0.2))
    monkeypatch.undo()
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "did not answer in time" in result.reason
    assert bench.run("print('healed')").stdout == "healed\n"


def test_signals_have_their_default_effect(bench: Bench) -> None:
    """None of the agent's own handlers reaches a program."""
    code = (
        "import signal\nfor s in signal.Signals:\n"
        " if callable(signal.getsignal(s)): print(s.name, signal.getsignal(s).__name__)\n"
    )
    assert bench.run(code).stdout == "SIGINT default_int_handler\n"
    assert bench.run("import os\nos.kill(os.getpid(), 15)").signal == 15
