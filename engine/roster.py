"""Which containers there are and in which state. Belongs to the pool's lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from time import time

from engine.container import ContainerMetadata, ContainerState, PooledContainer
from engine.errors import UnknownContainer
from engine.history import StateChange

_S = ContainerState
_LIVE = (_S.STARTING, _S.AVAILABLE, _S.IN_USE, _S.RESETTING, _S.CHECKING)


class Roster:
    """The containers of a pool, counted by state; the available ones in order of use."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._containers: dict[str, PooledContainer] = {}
        self._counts: Counter[ContainerState] = Counter()
        self._available: list[PooledContainer] = []  # a stack: the one used last is the warmest
        self._reserved = 0

    def __iter__(self) -> Iterator[PooledContainer]:
        return iter(list(self._containers.values()))

    def __len__(self) -> int:
        return len(self._containers)

    def count(self, state: ContainerState) -> int:
        """How many containers are in `state`."""
        return self._counts[state]

    @property
    def live(self) -> int:
        """How many serve or will serve; those being destroyed do not."""
        return sum(self._counts[state] for state in _LIVE)

    def blank(self, metadata: ContainerMetadata, generation: int) -> PooledContainer:
        """A container that does not exist yet; it gets its own id when the backend has made it."""
        self._reserved += 1
        container = PooledContainer(f"starting-{self._reserved}", metadata, generation)
        container.state_since = self._clock()
        container.history.states.append(StateChange(time(), container.state))
        return container

    def enter(self, container: PooledContainer) -> None:
        """Make room for a new container: from now on it counts."""
        self._containers[container.id] = container
        self._counts[container.state] += 1

    def rename(self, container: PooledContainer, container_id: str) -> None:
        """Give a reserved container its own id."""
        del self._containers[container.id]
        container.id = container_id
        self._containers[container_id] = container

    def move(self, container: PooledContainer, to: ContainerState, reason: str = "") -> None:
        """Change a container's state, and with it where it is found; `reason` goes into its history.

        Raises:
            IllegalMove: if the table of moves does not have it.
        """
        before = container.state
        container.move(to, self._clock(), reason)
        self._counts[before] -= 1
        self._counts[to] += 1
        if before is _S.AVAILABLE:
            self._available.remove(container)
        if to is _S.AVAILABLE:
            self._available.append(container)
        elif to is _S.GONE:
            self._counts[to] -= 1
            del self._containers[container.id]

    def warmest(self) -> PooledContainer | None:
        """The available container that was used last.

        Those used last come first: their pages are in the caches, and the others grow old
        enough to be retired. None is handed out before its next child is warm.
        """
        return self._available[-1] if self._available else None

    def coldest(self) -> PooledContainer | None:
        """The available container that was used longest ago."""
        return self._available[0] if self._available else None

    def in_state(self, state: ContainerState) -> list[PooledContainer]:
        """All containers in `state`, the available ones with the coldest first."""
        if state is _S.AVAILABLE:
            return list(self._available)
        return [container for container in self._containers.values() if container.state is state]

    def get(self, container_id: str) -> PooledContainer | None:
        """The container of exactly this id."""
        return self._containers.get(container_id)

    def find(self, prefix: str) -> PooledContainer:
        """The container of this id, or else the one whose id begins so.

        Raises:
            UnknownContainer: if there is none, or more than one.
        """
        if prefix in self._containers:
            return self._containers[prefix]
        found = [container for name, container in self._containers.items() if prefix and name.startswith(prefix)]
        if len(found) != 1:
            what = "no container's id begins" if not found else f"{len(found)} containers' ids begin"
            raise UnknownContainer(f"{what} with {prefix!r}")
        return found[0]

    def describe(self) -> str:
        """All counts, for a message."""
        return (
            ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in self._counts.items() if count) or "empty"
        )
