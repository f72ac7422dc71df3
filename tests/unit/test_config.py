"""Where settings come from, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import PoolConfig, load_config, settings_in_force
from engine.errors import ConfigError


def test_arguments_beat_environment_beats_toml_beats_pyproject(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pyproject.toml").write_text("[tool.pooldeck]\nmax_size = 20\nmin_size = 2\ntimeout = 1\nspare = 1\n")
    Path("pooldeck.toml").write_text("max_size = 30\nmin_size = 3\ntimeout = 2\n")
    monkeypatch.setenv("POOLDECK_MAX_SIZE", "40")
    monkeypatch.setenv("POOLDECK_MIN_SIZE", "4")
    config = load_config(max_size=50)
    assert (config.max_size, config.min_size, config.timeout, config.spare) == (50, 4, 2.0, 1)
    origins = {setting.name: (setting.value, setting.origin) for setting in settings_in_force(max_size=50)}
    assert origins["max_size"] == ("50", "the arguments")
    assert origins["min_size"] == ("4", "POOLDECK_MIN_SIZE")
    assert origins["timeout"] == ("2", "pooldeck.toml")
    assert origins["spare"] == ("1", "[tool.pooldeck] in pyproject.toml")
    assert origins["memory"] == ("256m", "the default")
    assert origins.keys() == PoolConfig.model_fields.keys()


def test_sizes_and_lists_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLDECK_MEMORY", "1.5g")
    monkeypatch.setenv("POOLDECK_PRELOAD", "json, numpy")
    monkeypatch.setenv("POOLDECK_ENV", '{"A": "b"}')
    config = load_config(disk="2MiB")
    assert (config.memory, config.disk) == (1536 << 20, 2 << 20)
    assert (config.preload, config.env) == (("json", "numpy"), {"A": "b"})
    monkeypatch.setenv("POOLDECK_PRELOAD", '["json"]')
    assert load_config().preload == ("json",)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"max_size": 0}, r"max_size = 0 \(from the arguments\): must be 1 to 10000$"),
        ({"max_size": 1.5}, r"max_size = 1.5 \(from the arguments\): must be 1 to 10000$"),
        ({"max_size": True}, r"max_size = True \(from the arguments\): must be 1 to 10000$"),
        ({"memory": "lots"}, r"memory = 'lots' .*: must be 32m to 1t, such as 256m"),
        ({"memory": "1k"}, r"memory = '1k' .*: must be 32m to 1t"),
        ({"backend": "vmware"}, r"backend = 'vmware' .*: must be one of auto, docker, bubblewrap, process"),
        ({"image": ""}, r"image = '' .*: must be text that is not empty"),
        ({"timeout": -1}, r"timeout = -1 .*: must be above 0 and at most 1000000 seconds"),
        ({"timeout": True}, r"timeout = True .*: must be above 0"),
        ({"timeout": float("nan")}, r"timeout = nan .*: must be above 0"),
        ({"acquire_timeout": float("inf")}, r"acquire_timeout = inf .*: must be above 0"),
        ({"max_lifetime": -1}, r"max_lifetime = -1 .*: must be 0 to 1000000 seconds"),
        ({"preload": [1]}, r"preload = \[1\] .*: must be names"),
        ({"maxsize": 3}, r"maxsize \(from the arguments\) is no setting: did you mean max_size\?"),
        ({"frobnicate": 3}, r"frobnicate \(from the arguments\) is no setting$"),
    ],
)
def test_wrong_setting_is_named_with_value_and_range(arguments: dict[str, object], said: str) -> None:
    for make in (load_config, PoolConfig):
        with pytest.raises(ConfigError, match=said):
            make(**arguments)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("idle_timeout = 0", r"idle_timeout = 0 \(from pooldeck.toml\)"),
        ("MAX_SIZE = 0", r"MAX_SIZE \(from pooldeck.toml\) is no setting: did you mean max_size\?"),
        ('"max_size" = 0', r"max_size = 0 \(from pooldeck.toml\)"),
        ("[max_size]\na = 1", r"max_size = {'a': 1} \(from pooldeck.toml\)"),
        ("typo = 1", r"typo \(from pooldeck.toml\) is no setting"),
        ("max_size = = 3", r"pooldeck.toml is not TOML: .*line 1"),
    ],
)
def test_wrong_setting_in_a_file_says_which_file(content: str, said: str) -> None:
    Path("pooldeck.toml").write_text(content + "\n")
    with pytest.raises(ConfigError, match=said):
        load_config()


def test_wrong_setting_in_the_environment_says_which_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOLDECK_CPUS", "none")
    monkeypatch.setenv("POOLDECK_TIMEOUT", "inf")
    monkeypatch.setenv("POOLDECK_ENV", "A=1")
    monkeypatch.setenv("POOLDECK_BOGUS", "1")
    with pytest.raises(ConfigError) as caught:
        load_config()
    said = caught.value.message
    assert "cpus = 'none' (from POOLDECK_CPUS): must be 0.01 to 1024" in said
    assert "timeout = 'inf' (from POOLDECK_TIMEOUT): must be above 0 and at most 1000000 seconds" in said
    assert "env = 'A=1' (from POOLDECK_ENV): must be names with a text each" in said
    assert "the JSON object" in said
    assert "bogus (from POOLDECK_BOGUS) is no setting" in said


def test_settings_that_do_not_agree_are_all_named_with_where_they_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("pooldeck.toml").write_text("max_size = 2\n")
    monkeypatch.setenv("POOLDECK_MIN_SIZE", "5")
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert caught.value.message == (
        "min_size = 5 (from POOLDECK_MIN_SIZE) is above max_size = 2 (from pooldeck.toml); "
        "initial_size = 3 (from the default) is above max_size = 2 (from pooldeck.toml)"
    )


def test_directory_in_the_place_of_a_file_is_a_clear_error() -> None:
    Path("pooldeck.toml").mkdir()
    with pytest.raises(ConfigError, match=r"pooldeck.toml cannot be read: Is a directory"):
        load_config()


def test_table_of_another_shape_is_a_clear_error() -> None:
    Path("pyproject.toml").write_text("[tool]\npooldeck = 3\n")
    with pytest.raises(ConfigError, match=r"\[tool.pooldeck\] in pyproject.toml is 3"):
        load_config()
