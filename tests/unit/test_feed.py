"""Input that flows is never further ahead of the program than its window."""

from __future__ import annotations

from engine.agent.feed import WINDOW, Feed
from tests.waiting import eventually


def test_nothing_is_sent_beyond_the_window() -> None:
    sent: list[bytes] = []
    with open("/dev/zero", "rb") as endless:
        feed = Feed(endless.fileno(), sent.append)
        eventually(lambda: sum(map(len, sent)) == WINDOW)
        feed.poured(1000, more=True)
        eventually(lambda: sum(map(len, sent)) == WINDOW + 1000)
        feed.close()
    assert sum(map(len, sent)) == WINDOW + 1000


def test_end_of_the_file_is_sent_once() -> None:
    sent: list[bytes] = []
    with open("/dev/null", "rb") as empty:
        feed = Feed(empty.fileno(), sent.append)
        eventually(lambda: sent)
        feed.close()
    assert sent == [b""]


def test_program_that_takes_no_more_is_sent_no_more() -> None:
    sent: list[bytes] = []
    with open("/dev/zero", "rb") as endless:
        feed = Feed(endless.fileno(), sent.append)
        eventually(lambda: sum(map(len, sent)) == WINDOW)
        feed.poured(WINDOW, more=False)
        feed.close()
    assert sum(map(len, sent)) == WINDOW
