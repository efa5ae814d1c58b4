"""Names the proxy of the environment in errors that it may have caused, so that no one restarts a healthy server."""

from urllib.parse import urlsplit

from harness.client.address import is_loopback
from harness.errors import ApiError, ConnectionLost, DeadlineExceeded, HarnessError, NotLMStudio, ServerUnreachable


def proxy_for(url: str) -> str | None:
    """Return the proxy that requests to this URL go through, without its password, or None."""
    if is_loopback(url):
        return None
    from urllib.request import getproxies, proxy_bypass  # With http.client and ssl, 13 ms.

    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if not found:
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    try:
        port = f":{proxy.port}" if proxy.port else ""
    except ValueError:
        port = ""
    return f"{proxy.scheme}://{proxy.hostname or ''}{port}"


def name_proxy(error: HarnessError, *, proxy: str, url: str) -> None:
    """Say in message and hint of an error that a proxy lies on the way, where LM Studio itself has not answered."""
    if not _may_be_the_proxys(error):
        return
    host = urlsplit(url).hostname
    error.hint = f"Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or set NO_PROXY={host} to connect without a proxy."
    if proxy in error.message:
        return  # It was named when the error was raised the first time.
    if isinstance(error, ServerUnreachable | DeadlineExceeded):
        error.message = f"the proxy {proxy} of the environment does not answer or cannot reach {url}: {error.message}"
    else:
        error.message = f"{error.message} (through the proxy {proxy} of the environment, which may have answered)"


def _may_be_the_proxys(error: HarnessError) -> bool:
    if isinstance(error, ApiError):
        # LM Studio's errors have a type or a code; an error page of a proxy has neither.
        return error.type is None and error.code is None
    if isinstance(error, DeadlineExceeded):
        return error.phase == "connect"
    return isinstance(error, ServerUnreachable | ConnectionLost | NotLMStudio)
