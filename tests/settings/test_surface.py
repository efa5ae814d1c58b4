from typing import get_args

import pytest

from harness.settings import OPTIONS, SettingName, Surface, setting


def test_every_setting_that_a_user_can_set_can_be_referred_to() -> None:
    assert get_args(SettingName) == tuple(option.name for option in OPTIONS)


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        (Surface.COMMAND_LINE, "Check --max-size, or add --url embedded."),
        (Surface.PYTEST, "Check --lms-max-size, or add --lms-url embedded."),
        (Surface.INI, "Check lms_max_size_bytes, or add lms_url = embedded."),
    ],
)
def test_a_reference_is_written_as_on_the_surface_in_use(surface: Surface, expected: str) -> None:
    text = f"Check {setting('max_size_bytes')}, or add {setting('url', 'embedded')}."
    assert surface.render(text) == expected


def test_what_came_from_an_ini_file_is_written_as_there() -> None:
    text = f"{setting('exclude')} and {setting('models')}"
    source = {"exclude": "ini lms_exclude", "models": "default"}
    assert Surface.PYTEST.render(text, source) == "lms_exclude and --lms-model"


def test_text_that_only_looks_like_a_reference_stays() -> None:
    text = "setting `temperature` and the `url`, setting `URL`"
    assert Surface.COMMAND_LINE.render(text) == text


def test_unrendered_a_reference_is_plain_english() -> None:
    assert f"Add {setting('epochs', '3')}." == "Add setting `epochs = 3`."


def test_every_help_text_is_rendered() -> None:
    for option in OPTIONS:
        assert "setting `" not in Surface.PYTEST.render(option.help)
