"""Where settings come from, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import load_config
from engine.errors import ConfigError


def test_arguments_beat_environment_beats_toml_beats_pyproject(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pyproject.toml").write_text("[tool.pooldeck]\nmax_size = 20\nmin_size = 2\ntimeout = 1\nspare = 1\n")
    Path("pooldeck.toml").write_text("max_size = 30\nmin_size = 3\ntimeout = 2\n")
    monkeypatch.setenv("POOLDECK_MAX_SIZE", "40")
    monkeypatch.setenv("POOLDECK_MIN_SIZE", "4")
    config = load_config(max_size=50)
    assert (config.max_size, config.min_size, config.timeout, config.spare) == (50, 4, 2.0, 1)


def test_sizes_and_lists_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLDECK_MEMORY", "1.5g")
    monkeypatch.setenv("POOLDECK_PRELOAD", "json, numpy")
    monkeypatch.setenv("POOLDECK_ENV", '{"A": "b"}')
    config = load_config(disk="2MiB")
    assert (config.memory, config.disk) == (1536 << 20, 2 << 20)
    assert (config.preload, config.env) == (("json", "numpy"), {"A": "b"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"max_size": 0}, r"max_size = 0 \(from the arguments\): input should be greater than or equal to 1"),
        ({"memory": "lots"}, r"memory = 'lots' \(from the arguments\): not a size such as 256m"),
        ({"backend": "vmware"}, r"backend = 'vmware'.*'auto', 'docker', 'bubblewrap' or 'process'"),
        ({"min_size": 5, "max_size": 4}, "min_size = 5 is above max_size = 4"),
        ({"initial_size": 11}, "initial_size = 11 is above max_size = 10"),
        ({"timeout": -1}, "timeout = -1 .*greater than 0"),
        ({"maxsize": 3}, r"maxsize is no setting \(from the arguments\)"),
    ],
)
def test_wrong_setting_is_named_with_value_and_range(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(**arguments)


def test_wrong_setting_says_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pooldeck.toml").write_text("idle_timeout = 0\n")
    with pytest.raises(ConfigError, match=r"idle_timeout = 0 \(from pooldeck.toml\)"):
        load_config()
    Path("pooldeck.toml").write_text("typo = 1\n")
    with pytest.raises(ConfigError, match=r"typo is no setting \(from pooldeck.toml\)"):
        load_config()
    Path("pooldeck.toml").unlink()
    monkeypatch.setenv("POOLDECK_CPUS", "none")
    with pytest.raises(ConfigError, match=r"cpus = 'none' \(from POOLDECK_CPUS\)"):
        load_config()


def test_file_that_is_not_toml_is_a_clear_error() -> None:
    Path("pooldeck.toml").write_text("max_size = = 3\n")
    with pytest.raises(ConfigError, match="settings cannot be read"):
        load_config()
