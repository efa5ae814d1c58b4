from pathlib import Path

import pytest

from harness.errors import SettingsError
from harness.settings import OPTIONS, Settings, Surface, build_settings, unknown_ini


def build(
    environ: dict[str, str] | None = None, ini: dict[str, str] | None = None, **options: str | list[str]
) -> Settings:
    return build_settings(options, environ=environ or {}, ini=ini)


def test_option_wins_over_environment_over_ini_over_default() -> None:
    environ, ini = {"LM_STUDIO_API_URL": "http://env:1"}, {"url": "http://ini:1", "limit": "7"}
    assert build(environ, ini, url="http://option:1").url == "http://option:1"
    assert build(environ, ini).url == "http://env:1"
    assert build(None, ini).url == "http://ini:1"
    assert build().url == "http://127.0.0.1:1234"


def test_each_value_remembers_where_it_came_from() -> None:
    source = build({"LM_API_TOKEN": "secret"}, {"limit": "7"}, seed="3").source
    assert source["token"] == "LM_API_TOKEN"
    assert source["limit"] == "ini lms_limit"
    assert source["seed"] == "--lms-seed"
    assert source["epochs"] == "default"


def test_every_option_has_a_field_of_settings() -> None:
    assert {option.name for option in OPTIONS} <= set(Settings.__slots__)


def test_the_token_is_not_in_the_representation() -> None:
    assert "s3cret" not in repr(build(token="s3cret"))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_size_bytes": "20GB"}, 20_000_000_000),
        ({"max_size_bytes": "8GiB"}, 8 * 1024**3),
        ({"max_size_bytes": "800mb"}, 800_000_000),
        ({"latency_budget_s": "2m"}, 120.0),
        ({"latency_budget_s": "1.5"}, 1.5),
        ({"concurrency": "auto"}, None),
        ({"concurrency": "3"}, 3),
        ({"floors": ["extract=0.8", "classify=.5"]}, {"extract": 0.8, "classify": 0.5}),
        ({"models": ["a", "b*"]}, ("a", "b*")),
    ],
)
def test_text_becomes_a_value(options: dict[str, str | list[str]], expected: object) -> None:
    (name,) = options
    assert getattr(build_settings(options, environ={}), name) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": "abc"}, "--lms-limit: expected a whole number from 1 to 1000000, got 'abc'"),
        ({"limit": "0"}, "a whole number from 1"),
        ({"epochs": "-1"}, "--lms-epochs"),
        ({"max_size_bytes": "large"}, "a size such as 20GB"),
        ({"floors": ["extract"]}, "TASK=SCORE"),
        ({"floors": ["extract=2"]}, "from 0 to 1"),
        ({"url": "localhost:1234"}, "an address such as http://127.0.0.1:1234, or embedded"),
        ({"url": ""}, "--lms-url"),
        ({"load": "lazy"}, "one of explicit, jit"),
        ({"unload": "none"}, "one of ours, all, keep"),
        ({"concurrency": "many"}, "auto, or a whole number"),
        ({"latency_budget_s": "0"}, "a duration above 0"),
        ({"own_tasks": ["a", "b"]}, "--lms-tasks: expected one value, got 2: a, b"),
        ({"models_dir": "/nowhere"}, "add --lms-url embedded"),
        ({"models_dir": "/nowhere", "url": "embedded"}, "expected a folder"),
    ],
)
def test_a_wrong_value_says_what_was_expected_and_what_came(options: dict[str, str | list[str]], said: str) -> None:
    with pytest.raises(SettingsError, match=r".") as caught:
        build_settings(options, environ={})
    assert said in str(caught.value)


def test_a_wrong_token_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        build_settings({"token": ["", "s3cret"]}, environ={})
    assert "s3cret" not in str(caught.value)


def test_messages_name_options_as_the_command_writes_them() -> None:
    with pytest.raises(SettingsError, match=r"^--limit: "):
        build_settings({"limit": "x"}, environ={}, surface=Surface.COMMAND_LINE)


def test_a_message_about_two_settings_names_each_as_it_was_given(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        build(None, {"reducer": "pass@3"})
    assert str(caught.value) == "lms_reducer = pass@3: expected at least 3 epochs, got 1\nAdd --lms-epochs 3."


def test_what_is_handed_over_wins_over_environment_and_ini_but_not_over_an_option() -> None:
    handed = build_settings({"limit": "3", "epochs": "2"}, environ={}, surface=Surface.COMMAND_LINE)
    environ = {"LM_STUDIO_API_URL": "http://env:1"}
    ini = {"limit": "7", "seed": "7"}
    settings = build_settings({"epochs": "5"}, environ=environ, ini=ini, handed=handed)
    assert (settings.limit, settings.source["limit"]) == (3, "--limit")
    assert (settings.epochs, settings.source["epochs"]) == (5, "--lms-epochs")
    assert (settings.seed, settings.source["seed"]) == (7, "ini lms_seed")
    assert settings.url == "http://env:1"
    assert settings.source["margin"] == "default"


def test_settings_that_do_not_say_where_they_came_from_are_handed_over_whole() -> None:
    settings = build_settings({}, environ={}, ini={"limit": "7"}, handed=Settings(seed=4))
    assert (settings.seed, settings.limit) == (4, 30)


def test_a_models_folder_is_taken_for_the_embedded_server(tmp_path: Path) -> None:
    assert build(url="embedded", models_dir=str(tmp_path)).models_dir == tmp_path


def test_rounds_until_decided_double_up_to_the_limit() -> None:
    assert build_settings({}, environ={}).rounds == (30,)
    assert build_settings({"until_decided": "yes"}, environ={}).rounds == (15, 30, 60, 120)
    assert build_settings({}, environ={}, ini={"until_decided": "yes", "limit": "40"}).rounds == (15, 30, 40)
    assert build_settings({"until_decided": "yes", "limit": "15"}, environ={}).rounds == (15,)
    assert build_settings({"until_decided": "yes", "limit": "7"}, environ={}).rounds == (7,)


def test_a_setting_that_is_gone_names_the_one_in_its_place() -> None:
    error = unknown_ini("lms_race")
    assert (error.message, error.hint) == (
        "ini lms_race is gone",
        "Use lms_until_decided in its place, with lms_budget_s.",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reducer": "pass@3"}, "--lms-reducer pass@3: expected at least 3 epochs, got 1\nAdd --lms-epochs 3."),
        ({"reducer": "pass^2", "epochs": "1"}, "expected at least 2 epochs"),
    ],
)
def test_values_that_do_not_go_together_are_refused(options: dict[str, str | list[str]], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        build_settings(options, environ={})
    assert said in str(caught.value)
    assert build_settings({"reducer": "pass@3", "epochs": "3"}, environ={}).reducer == "pass@3"
