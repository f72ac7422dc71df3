"""The `%` commands on a session that runs nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cells import FileInfo, InputCallback, Mode
from engine.execution import Outcome, OutputCallback
from tests.repl.fakes import RESULT, Bench
from tui.repl import commands
from tui.repl.console import Kind


def test_registry_is_whole() -> None:
    names = [command.name for command in commands.COMMANDS]
    assert len(set(names)) == len(names)
    wanted = "time timeit run load put get files reset mode timeout stats history save help"
    assert set(names) == set(wanted.split())
    assert all(command.help and command.handler.__doc__ for command in commands.COMMANDS)


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ("%tiem x", "there is no %tiem / %time, perhaps?"),
        ("%zzz", "there is no %zzz / %help lists them all"),
        ("%files now", "%files takes nothing after it / type %files"),
        ("%run", "something is missing / usage: %run FILE"),
        ("%put a b c", "too many words / usage: %put FILE [NAME]"),
        ("%put 'a", "'a: no closing quotation / close the quotes"),
        ("%run absent.py", "cannot read absent.py: No such file or directory / paths are those of this machine"),
        ("%get absent", "there is no file 'absent' in the working directory / see what there is"),
        ("%mode both", "there is no mode 'both' / %mode session, or %mode oneshot"),
        ("%timeout -3", "'-3' is not a number of seconds above 0 / %timeout 60, or %timeout default"),
        ("%save x.py", "there is no cell to save yet / run one first"),
        ("%time", "there is no code to time / %time sum(range(1000))"),
    ],
)
def test_mistakes_are_one_line_and_a_hint(bench: Bench, entered: str, said: str) -> None:
    assert bench.enter(entered) == said
    assert bench.shell.failures == 1


def test_run_and_load_take_local_files(bench: Bench) -> None:
    Path("a file.py").write_text("x = 1\nx\n")
    bench.enter("%run 'a file.py'")
    assert bench.session.ran == ["x = 1\nx\n"]
    bench.enter("%load 'a file.py'")
    assert bench.view.prefilled == "x = 1\nx"
    Path("binary").write_bytes(b"\xff\x00")
    assert bench.enter("%run binary").startswith("binary is not UTF-8 text / %put")


def test_run_and_load_take_files_of_other_systems(bench: Bench) -> None:
    Path("dos.py").write_bytes(b"\xef\xbb\xbfx = 1\r\nx\r\n")
    bench.enter("%run dos.py")
    assert bench.session.ran == ["x = 1\nx\n"]
    bench.enter("%load dos.py")
    assert bench.view.prefilled == "x = 1\nx"


def test_put_and_get_move_bytes(bench: Bench) -> None:
    Path("local.bin").write_bytes(b"\x00\xff")
    bench.enter("%put local.bin")
    bench.enter("%put local.bin data/named.bin")
    assert bench.session.contents == {"local.bin": b"\x00\xff", "data/named.bin": b"\x00\xff"}
    bench.enter("%get data/named.bin")
    assert Path("named.bin").read_bytes() == b"\x00\xff"
    Path("folder").mkdir()
    bench.enter("%get data/named.bin folder")
    assert Path("folder/named.bin").exists()


def test_get_asks_before_it_replaces_and_stays_in_this_folder(bench: Bench) -> None:
    bench.session.contents = {"../../evil.txt": b"new"}
    Path("evil.txt").write_text("mine")
    bench.view.answers = ["", "y"]
    assert bench.enter("%get ../../evil.txt").startswith("evil.txt is there already")
    assert Path("evil.txt").read_text() == "mine"
    bench.enter("%get ../../evil.txt")
    assert Path("evil.txt").read_text() == "new"


def test_files_lists_name_size_and_type(bench: Bench) -> None:
    bench.enter("%files")
    assert bench.view.of(Kind.NOTE) == "the working directory is empty"
    bench.session.contents = {"plot.png": b"x" * 2048, "a\n\x1b[2Jb": b""}
    bench.enter("%files")
    assert bench.view.of(Kind.TEXT) == ("plot.png  2.0 KiB  image/png\na\\n\\x1b[2Jb  0 B  application/octet-stream")


def test_mode_and_timeout_and_reset_set_the_session(bench: Bench) -> None:
    bench.enter("%mode oneshot")
    assert bench.session.mode is Mode.ONESHOT
    assert "state is gone" in bench.view.of(Kind.NOTE)
    assert bench.shell.prompt == "oneshot [1] >>> "
    bench.enter("%timeout 2.5")
    bench.enter("x")
    bench.enter("%timeout default")
    bench.enter("x")
    assert bench.session.timeouts == [2.5, None]
    bench.enter("%reset")
    assert bench.session.resets == 1


def test_time_says_where_the_time_went(bench: Bench) -> None:
    bench.session.answer = lambda *_: replace(RESULT, cpu_time=0.001)
    bench.enter("%time x\ny")
    assert bench.session.ran == ["x\ny"]
    assert "wall 6.00 ms" in bench.view.of(Kind.TEXT)
    assert "50% of the run" in bench.view.of(Kind.TEXT)


def _locally(code: str, on_output: OutputCallback, on_input: InputCallback) -> object:
    import builtins
    import contextlib
    import io
    import sys

    said, values = io.StringIO(), []

    def display(value: object) -> None:
        values.append(repr(value))
        vars(builtins).update(_=value, __=value)

    with contextlib.redirect_stdout(said), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "displayhook", display)
        exec(code, {})
    return replace(RESULT, chunks=(("stdout", said.getvalue().encode()),), value=values[-1] if values else None)


def test_timeit_measures_and_shows_nothing_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins
    import timeit

    monkeypatch.setattr(timeit, "default_timer", _Clock())
    monkeypatch.setattr(builtins, "_", "mine", raising=False)
    bench.session.answer = _locally  # type: ignore[assignment]
    bench.enter("%timeit print('x')")
    assert "a loop, best" in bench.view.of(Kind.TEXT)
    assert "what it printed is left out" in bench.view.of(Kind.NOTE)
    assert not bench.view.of(Kind.OUT)
    assert vars(builtins)["_"] == "mine"
    assert "__" not in vars(builtins)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "'text'",
        "[nan, [nan], 0]",
        "[1, [NaN], 0]",
        "[1, [Infinity], 0]",
        "[1, [-1.0], 0]",
        "[0, [1.0], 0]",
        "[1, [], 0]",
        "[1, 3, 0]",
        "[1, [1.0], 'x']",
        "[1, [1e308, 1e308], 0]",
        "[" * 900,
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_timeit_takes_no_figures_that_are_none(bench: Bench, value: str | None) -> None:
    bench.session.answer = lambda *_: replace(RESULT, value=value)
    assert bench.enter("%timeit x").startswith("the session gave no figures / ")


class _Clock:
    """Says that a second has passed each time, so that one loop is enough."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_timeit_of_what_fails_shows_why(bench: Bench) -> None:
    bench.session.answer = lambda *_: replace(RESULT, outcome=Outcome.ERROR, chunks=(("stderr", b"NameError: x\n"),))
    assert bench.enter("%timeit x") == "NameError: x"


def test_timeit_does_not_show_its_own_source(bench: Bench) -> None:
    bench.session.answer = lambda code, *_: replace(
        RESULT, outcome=Outcome.ERROR, chunks=(("stderr", f"Cell 1\n    {code}\nNameError: x\n".encode()),)
    )
    assert bench.enter("%timeit x") == "Cell 1\n    %timeit x\nNameError: x"


def test_history_shows_entries_by_number_and_text(bench: Bench) -> None:
    for entry in ("a = 1", "def f():\n    pass", "a"):
        bench.shell.history.add(entry)
    bench.enter("%history 2")
    assert bench.view.of(Kind.TEXT) == "2  def f():\n       pass\n3  a"
    bench.enter("%history = 1")
    assert bench.view.of(Kind.TEXT) == "1  a = 1"


def _run_three(bench: Bench) -> None:
    def answer(code: str, on_output: OutputCallback, on_input: InputCallback) -> object:
        on_output("stdout", b"10%\r20%\n\x1b[31mred\x1b]0;t\x07")
        return replace(
            RESULT, outcome=Outcome.ERROR if code == "1/0" else Outcome.OK, value="'v'" if code == "v" else None
        )

    bench.session.answer = answer  # type: ignore[assignment]
    for code in ("x = 1\nprint(x)", "1/0", "v"):
        bench.enter(code)


def test_save_as_script(bench: Bench) -> None:
    _run_three(bench)
    bench.enter("%save out.py")
    assert Path("out.py").read_text() == (
        "# %% Cell 1\nx = 1\nprint(x)\n\n# %% Cell 2 ended with: error\n# 1/0\n\n# %% Cell 3\nv\n"
    )
    bench.view.answers = ["n"]
    assert "already" in bench.enter("%save out.py")


def test_save_as_notebook(bench: Bench) -> None:
    _run_three(bench)
    bench.enter("%save out.ipynb")
    notebook = json.loads(Path("out.ipynb").read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    first, _, last = notebook["cells"]
    assert first["source"] == ["x = 1\n", "print(x)"]
    assert first["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": ["20%\n", "\x1b[31mred\x1b[0m"]},
    ]
    assert last["execution_count"] == 3
    assert last["outputs"][1]["data"] == {"text/plain": ["'v'"]}


def test_save_writes_utf_8_whatever_was_printed(bench: Bench) -> None:
    bench.session.answer = lambda *_: replace(RESULT, value="'\udc80'")
    bench.enter("'\udc80'")
    bench.enter("%save out.ipynb")
    (cell,) = json.loads(Path("out.ipynb").read_text(encoding="utf-8"))["cells"]
    assert (cell["source"], cell["outputs"][0]["data"]) == (["'\udc80'"], {"text/plain": ["'\udc80'"]})
    bench.enter("%save out.py")
    assert Path("out.py").read_text(encoding="utf-8") == "# %% Cell 1\n'\\udc80'\n"


def test_help_lists_all_and_explains_one(bench: Bench) -> None:
    bench.enter("%help")
    assert all(command.title in bench.view.of(Kind.TEXT) for command in commands.COMMANDS)
    bench.enter("%help %timeout")
    assert bench.view.of(Kind.TEXT).startswith("%timeout [N|default]  Kill")
    assert bench.enter("%help tiem") == "there is no %tiem / %time, perhaps?"


def test_stats_before_there_is_a_pool(bench: Bench) -> None:
    bench.enter("%stats")
    assert bench.view.of(Kind.NOTE) == "the pool is not there yet"


def _items(bench: Bench, text: str, cursor: int | None = None) -> tuple[int, list[str]]:
    found = commands.complete(bench.shell, text, len(text) if cursor is None else cursor)
    assert found is not None
    return found.start, [item.text for item in found.items]


def test_completion_of_names_and_arguments(bench: Bench) -> None:
    Path("script.py").write_text("")
    Path("scripts").mkdir()
    Path("scripts/inner.py").write_text("")
    Path(".hidden").write_text("")
    bench.session.contents = {"plot.png": b"", "plot\n1": b"", "my plot": b""}
    assert _items(bench, "%ti") == (0, ["%time", "%timeit", "%timeout"])
    assert _items(bench, "%run sc") == (5, ["script.py", "scripts/"])
    assert _items(bench, "%run scripts/") == (5, ["scripts/inner.py"])
    assert _items(bench, "%load ") == (6, ["script.py", "scripts/"])
    assert _items(bench, "%get pl") == (5, ["plot.png"])
    assert _items(bench, "%get my") == (5, ["'my plot'"])
    assert _items(bench, "%mode o") == (6, ["oneshot"])
    assert _items(bench, "%help sa") == (6, ["save"])
    assert commands.complete(bench.shell, "%time pri", 9) is None, "that is Python"


def test_completing_session_files_leases_nothing(bench: Bench) -> None:
    def refuse() -> tuple[FileInfo, ...]:
        raise AssertionError

    bench.session.alive = False
    bench.session.files: Callable[[], tuple[FileInfo, ...]] = refuse  # type: ignore[misc]
    assert _items(bench, "%get ") == (5, [])
