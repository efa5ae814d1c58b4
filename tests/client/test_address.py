import pytest

from harness.client.address import is_loopback, normalised
from harness.errors import SettingsError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:1234", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/v1", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/v1/", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/api/v1", "http://127.0.0.1:1234"),
        ("127.0.0.1:1234", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/v1/chat/completions", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/v1/models/", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/api/v1/chat", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/api/v1/models/download/status/job-1", "http://127.0.0.1:1234"),
        ("http://127.0.0.1:1234/api/v0/models", "http://127.0.0.1:1234"),
        ("https://host/lm/v1/embeddings", "https://host:443/lm"),
        ("https://host/lm/v1/mine", "https://host:443/lm/v1/mine"),
        ("localhost:1234/v1", "http://localhost:1234"),
        ("HTTP://LocalHost:1234", "http://localhost:1234"),
        (" http://host ", "http://host:80"),
        ("https://host", "https://host:443"),
        ("https://host/lm/studio/", "https://host:443/lm/studio"),
        ("https://host/lm/api/v1", "https://host:443/lm"),
        ("http://[::1]:1234", "http://[::1]:1234"),
    ],
)
def test_one_server_has_one_url(given: str, expected: str) -> None:
    assert normalised(given) == expected
    assert normalised(expected) == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "http://",
        "ftp://host",
        "http://host:99999",
        "http://host:port",
        "http://a b",
        "http://host/\x1b",
        "http://[::1",
        "http://[fe80::1%é]",
        "http://host?x=1",
        "http://host#x",
    ],
)
def test_what_is_no_server_is_a_settings_error(given: str) -> None:
    with pytest.raises(SettingsError, match=r"http://127\.0\.0\.1:1234"):
        normalised(given)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        normalised("http://user:canary@host")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://127.8.9.1:1",
        "http://localhost:1",
        "http://my.localhost:1",
        "http://[::1]:1",
        "http://[::ffff:127.0.0.1]:1",
        "http://0.0.0.0:1",
    ],
)
def test_this_machine_is_recognised(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url", ["http://192.168.0.1:1", "http://host:1", "http://localhost.example.com:1", "http://[fe80::1]:1"]
)
def test_another_machine_is_not_this_one(url: str) -> None:
    assert not is_loopback(url)
