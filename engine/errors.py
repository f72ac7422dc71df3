"""What can go wrong, as one tree.

    PooldeckError
    ├── ConfigError                 a setting is wrong: which, its value, what is allowed
    ├── RequestError                a request cannot be run as it is: a name, a size
    ├── BackendError                the backend failed
    │   ├── BackendUnavailable      no engine answers, or the kernel forbids: may come back
    │   ├── ImageUnavailable        the image is not there and cannot be pulled
    │   └── ImageUnusable           the image cannot run the agent: no Python, a missing package
    ├── ContainerLost               the container died or stopped answering
    └── PoolError
        ├── PoolClosed              the pool is shut down
        ├── PoolDraining            no leases while the pool drains
        ├── PoolTimeout             no container became free in time
        ├── PoolSaturated           `max_waiting` callers wait already
        ├── CreationFailed          no container can be made; the cause is chained
        ├── SessionLost             the interpreter was gone before a cell could run
        ├── LeaseExpired            this lease is over: its container may be another's
        └── UnknownContainer        no container of that id is in the pool

`exit_code` is what the command line exits with, and only there: 2 for what a person can mend in
what was given, as for a wrong option; else as in sysexits.h.
"""

from __future__ import annotations


class PooldeckError(Exception):
    """Root of all errors that Pooldeck raises on purpose."""

    exit_code = 70

    def __init__(self, message: str, hint: str = "") -> None:
        """Args: message: what is wrong, and where; hint: what to do about it."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UnisolatedWarning(UserWarning):
    """Nothing better works here, so programs run as plain processes of this machine."""


class ConfigError(PooldeckError):
    """A setting is wrong."""

    exit_code = 2


class RequestError(PooldeckError):
    """A request cannot be run as it is."""

    exit_code = 2


class BackendError(PooldeckError):
    """The backend failed to do what it was asked."""

    exit_code = 69

    permanent = False
    """Whether trying again soon is pointless."""


class BackendUnavailable(BackendError):
    """No engine answers, or the kernel forbids what the backend needs."""


class ImageUnavailable(BackendError):
    """The image is not on the engine and cannot be pulled."""

    permanent = True


class ImageUnusable(BackendError):
    """The image is there, but the agent cannot run in it."""

    permanent = True


class ContainerLost(PooldeckError):
    """The container died, or its agent stopped answering."""

    exit_code = 69


class PoolError(PooldeckError):
    """The pool cannot do what it was asked in its present state."""

    exit_code = 75


class PoolClosed(PoolError):
    """The pool is shut down."""


class PoolDraining(PoolError):
    """The pool drains: no new leases until it is resumed."""


class PoolTimeout(PoolError):
    """No container became free in time."""


class PoolSaturated(PoolError):
    """As many callers wait as `max_waiting` allows."""


class CreationFailed(PoolError):
    """No container can be made; `__cause__` says why."""


class SessionLost(PoolError):
    """The interpreter was gone before the cell could run, which was not run; the next one starts fresh.

    Its container has died, it was idle for too long, or the pool drained.
    """


class LeaseExpired(PoolError):
    """The lease is over; nothing was changed."""


class UnknownContainer(PoolError):
    """No container of that id is in the pool."""
