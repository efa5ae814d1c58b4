"""The server's URL in one form, and whether it is this machine."""

import ipaddress
import re
from urllib.parse import urlsplit

from harness.errors import SettingsError

# What people paste: the base of either API, with or without a route of it.
_API_PATH = re.compile(
    r"(?:/api/v[01]|/v1)(?:/(?:models|chat|completions|embeddings|responses|messages)(?:/[\w./%-]{0,200})?)?$"
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_EXAMPLE = "Expected something like http://127.0.0.1:1234"


def normalised(url: str) -> str:
    """Return scheme, host and port, and a path only where the API lies below one.

    `http://` may be left out; a trailing `/` and the paths of the API (`/v1`, `/api/v1/chat`, …) are removed,
    so that two URLs of one server are equal.

    Raises:
        SettingsError: it is not such a URL, or contains a user, a query or a fragment.
    """
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError as exc:
        raise SettingsError(f"this is not the URL of a server: {exc}", hint=_EXAMPLE) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise SettingsError(f"this is not an http or https URL: {parts.scheme}://{parts.hostname or ''}", hint=_EXAMPLE)
    if parts.username is not None or parts.query or parts.fragment:
        raise SettingsError("the URL must not contain a user, a query or a fragment", hint=_EXAMPLE)
    if not text.isprintable() or any(character.isspace() for character in text):
        raise SettingsError("the URL must not contain spaces or control characters", hint=_EXAMPLE)
    if ":" in parts.hostname and not parts.hostname.isascii():
        raise SettingsError(f"the zone of an IPv6 address must be ASCII, got {parts.hostname!r}", hint=_EXAMPLE)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = _API_PATH.sub("", parts.path.rstrip("/")).rstrip("/")
    return f"{parts.scheme}://{host}:{port}{path}"


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, or `localhost`: neither takes a name server."""
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(url: str) -> bool:
    """Return whether the URL can only mean this machine, judged by its text: no name is looked up."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_unspecified
