"""Which backend is chosen, and that none is chosen that cannot do what it is asked."""

from __future__ import annotations

import pytest

from engine.backends import choose_backend
from engine.backends.bubblewrap import BubblewrapBackend
from engine.config import load_config
from engine.errors import BackendUnavailable, ConfigError, UnisolatedWarning
from engine.pool import ContainerPool

ASKED = [
    ({"runtime": "runsc"}, "runtime = 'runsc'"),
    ({"network": "bridge"}, "network = 'bridge'"),
    ({"image": "numpy:1"}, "image = 'numpy:1'"),
    ({"cpus": 0.5}, "cpus = 0.5"),
]


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")


@pytest.fixture
def no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe() -> None:
        raise BackendUnavailable("the kernel forbids it")

    monkeypatch.setattr(BubblewrapBackend, "probe", staticmethod(probe))


@pytest.mark.parametrize("backend", ["bubblewrap", "process"])
@pytest.mark.parametrize(("settings", "named"), ASKED)
def test_setting_that_the_named_backend_cannot_honour_is_refused(
    backend: str, settings: dict[str, object], named: str
) -> None:
    with pytest.raises(ConfigError, match=f"{backend} cannot honour {named}"):
        choose_backend(load_config(backend=backend, **settings))


@pytest.mark.parametrize(("settings", "named"), ASKED)
def test_auto_falls_back_to_nothing_that_cannot_honour_a_setting(
    no_engine: None, settings: dict[str, object], named: str
) -> None:
    with pytest.raises(BackendUnavailable, match=f"nowhere.sock.*nothing can honour {named}"):
        choose_backend(load_config(**settings))


def test_pool_that_fell_back_to_plain_processes_warns_and_has_its_alert_at_once(
    no_engine: None, no_namespaces: None
) -> None:
    with (
        pytest.warns(UnisolatedWarning, match=r"UNISOLATED: no Docker engine .* the kernel forbids it"),
        ContainerPool(initial_size=0, min_size=0) as pool,
    ):
        assert [alert["name"] for alert in pool.get_stats()["alerts"]] == ["unisolated"]
