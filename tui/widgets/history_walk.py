"""Going back and forth in the history among the entries that begin with what is typed."""

from __future__ import annotations

from collections.abc import Sequence


class HistoryWalk:
    """One walk: it begins with a text, and ends when that or an entry is edited."""

    def __init__(self, entries: Sequence[str], typed: str) -> None:
        """Args: entries: the oldest first; typed: what entries must begin with."""
        self._entries = entries
        self._typed = typed
        self._position = len(entries)
        self.text = typed
        """What stands in the input now."""

    def earlier(self) -> bool:
        """Go to the entry before; whether there is one."""
        return self._go(range(self._position - 1, -1, -1))

    def later(self) -> bool:
        """Go to the entry after, or back to what was typed; whether there was somewhere to go."""
        if self._go(range(self._position + 1, len(self._entries))):
            return True
        if self._position == len(self._entries):
            return False
        self._position, self.text = len(self._entries), self._typed
        return True

    def _go(self, places: range) -> bool:
        for place in places:
            entry = self._entries[place]
            if entry.startswith(self._typed) and entry != self.text:
                self._position, self.text = place, entry
                return True
        return False
