"""Settings: read once, typed, and a wrong one says the key, the value and what is allowed."""

from __future__ import annotations

import pytest

from dashboard.config import Config, WrongSetting, table


@pytest.mark.parametrize(
    "key,value",
    [
        ("PORT", "0"),
        ("PORT", "eighty"),
        ("DASHBOARD_AUTH", "open"),
        ("DASHBOARD_DEMO", "perhaps"),
        ("DASHBOARD_OVERDUE_SECONDS", "-1"),
        ("DASHBOARD_OVERDUE_SECONDS", "nan"),
        ("DASHBOARD_METRIC_NAMES", "both,otel"),
        ("DASHBOARD_WORKSPACE_OBJECTS", "0"),
    ],
)
def test_a_wrong_value_names_the_key_the_value_and_what_is_allowed(key, value):
    with pytest.raises(WrongSetting) as caught:
        Config.read({key: value})
    said = str(caught.value)
    assert key in said
    assert repr(value) in said
    assert "allowed: " in said
    assert "\n" not in said


def test_a_wrong_secret_is_not_repeated():
    with pytest.raises(WrongSetting) as caught:
        Config.read({"DASHBOARD_DATABASES": "postgresql://user:hunter2@db"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "word,on", [("on", True), ("1", True), ("TRUE", True), ("off", False), ("0", False), ("false", False)]
)
def test_switches_take_on_off_1_0_true_false(word, on):
    assert Config.read({"DASHBOARD_READ_ONLY": word}).read_only is on


def test_a_hosts_app_config_may_hold_python_values():
    config = Config.read({"DASHBOARD_READ_ONLY": True, "PORT": 9000, "DASHBOARD_DATABASES": {"shop": "sqlite://"}})
    assert (config.read_only, config.port, dict(config.databases or {})) == (True, 9000, {"shop": "sqlite://"})


def test_an_empty_value_means_the_default():
    assert Config.read({"PORT": "", "DASHBOARD_AUTH": ""}) == Config.read({})


def test_secrets_are_masked_where_settings_are_shown():
    config = Config.read({"DATABASE_URL": "postgresql://user:hunter2@db/x", "DASHBOARD_SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(config.public_rows())


def test_every_key_is_in_the_table_once():
    keys = [setting.key for setting in table()]
    assert len(keys) == len(set(keys))
