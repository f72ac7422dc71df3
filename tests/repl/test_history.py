"""The history file: private, whole with several REPLs at once, and never in the way."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest

from tui.repl import history
from tui.repl.history import HistoryStore, default_path


def test_entries_are_there_in_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history.jsonl"
    HistoryStore(path).add("def f():\n    return 'é'")
    HistoryStore(path).add("f()")
    assert HistoryStore(path).entries() == ("def f():\n    return 'é'", "f()")


def test_file_and_folder_are_private(tmp_path: Path) -> None:
    path = tmp_path / "pooldeck" / "history.jsonl"
    HistoryStore(path).add("x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    HistoryStore(path).add("y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_several_at_once_lose_and_mix_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    stores = [HistoryStore(path) for _ in range(8)]

    def write(number: int, store: HistoryStore) -> None:
        for at in range(25):
            store.add(f"{number}-{at}\n" + "x" * 5000)

    threads = [threading.Thread(target=write, args=each) for each in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = HistoryStore(path).entries()
    assert {entry.partition("\n")[0] for entry in entries} == {f"{n}-{at}" for n in range(8) for at in range(25)}


def test_old_entries_make_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_ENTRIES", 10)
    monkeypatch.setattr(history, "_SLACK", 5)
    path = tmp_path / "history.jsonl"
    store = HistoryStore(path)
    for number in range(16):
        store.add(str(number))
    assert HistoryStore(path).entries() == tuple(str(number) for number in range(6, 16))
    assert len(path.read_text().splitlines()) == 10


def test_twice_in_a_row_blank_and_huge_are_not_kept(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path / "history.jsonl")
    for text in ("x", "x", "  \n", "y" * 200_000, "z", "x"):
        store.add(text)
    assert store.entries() == ("x", "z", "x")


def test_torn_and_foreign_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'"whole"\n{"a": 1}\n\xff\xfe\n' + b"[" * 100_000 + b'\n"torn by a cra')
    store = HistoryStore(path)
    store.add("after")
    assert HistoryStore(path).entries() == ("whole", "after")
    assert json.loads(path.read_bytes().splitlines()[-1]) == "after"


def test_a_place_that_cannot_be_used_is_said_and_survived(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = HistoryStore(tmp_path / "file" / "history.jsonl")
    store.add("x")
    assert store.entries() == ("x",)
    assert "the history is not kept" in store.problem


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "history.jsonl").symlink_to(tmp_path / "elsewhere")
    store = HistoryStore(tmp_path / "history.jsonl")
    store.add("x")
    assert (tmp_path / "elsewhere").read_text() == ""
    assert store.problem


def test_place_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_path() == Path("/state/pooldeck/history.jsonl")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_path() == Path("/home/somebody/.local/state/pooldeck/history.jsonl")
