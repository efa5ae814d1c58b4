"""HTTP by the HTTP library, which only this module knows: for TLS, proxies and names that must be looked up.

Each request has its own connection and reading thread. A kept-alive connection would save a millisecond, but LM Studio
closes one after 5 s, perhaps just as a load is sent: then we could not know whether the model is loading.
"""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from harness.client.address import is_loopback
from harness.client.exchange import Exchange
from harness.client.incoming import MAX_BODY_BYTES, START_HINT, Incoming
from harness.client.line import Chunk, Connected, End, Failed, Head, Line, Written
from harness.clock import Clock
from harness.errors import (
    ConnectionLost,
    DeadlineExceeded,
    HarnessError,
    MalformedAnswer,
    NotLMStudio,
    ServerUnreachable,
    SettingsError,
    chain,
)

READING_THREAD = "lms-exchange"
"""The name of the threads that read answers."""


class Transport:
    """Sends requests to one server.

    For a server on this machine, proxies of the environment are ignored: they would receive the token. Redirects are
    not followed.
    """

    def __init__(self, url: str, *, headers: Mapping[str, str], connect_s: float, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._connect_s = connect_s
        try:
            self._http = httpx.Client(
                headers={"accept-encoding": "identity", "connection": "close", **headers},
                trust_env=not is_loopback(url),
                follow_redirects=False,
                verify=_tls(url),
                timeout=httpx.Timeout(None, connect=connect_s),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            )
        except (httpx.InvalidURL, ValueError, ImportError) as exc:
            raise SettingsError(
                f"the proxy in the environment cannot be used for {url}",
                hint="Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY.",
            ) from exc

    def close(self) -> None:
        """Release the HTTP library's resources."""
        self._http.close()

    @contextmanager
    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        waits: Mapping[str, float],
        exchange: Exchange | None = None,
    ) -> Iterator[Incoming]:
        """Send a request and yield its answer; leaving the context hangs up if the answer is still incomplete.

        Args:
            method: GET or POST.
            path: below the server's URL.
            body: JSON.
            waits: phases and their deadlines in seconds from now; `connect` is always added.
            exchange: cancels the request.

        Raises:
            Cancelled: the exchange was cancelled before; nothing is sent.
        """
        exchange = Exchange() if exchange is None else exchange
        line = Line()
        exchange.attach(line)
        try:
            incoming = Incoming(line, url=self._url, exchange=exchange, clock=self._clock)
            for phase, seconds in {"connect": self._connect_s, **waits}.items():
                incoming.wait_at_most(phase, seconds)
            request = self._http.build_request(
                method,
                f"{self._url}{path}",
                content=body,
                headers=None if body is None else {"content-type": "application/json"},
                extensions={"trace": _tracer(line, self._clock)},
            )
            threading.Thread(target=self._read, args=(request, line), name=READING_THREAD, daemon=True).start()
            yield incoming
        finally:
            exchange.detach(line)
            line.hang_up(at=self._clock.monotonic())

    def _read(self, request: httpx.Request, line: Line) -> None:
        """Run in the reading thread: report everything that arrives, and how it ended."""
        now = self._clock.monotonic
        try:
            response = self._http.send(request, stream=True)
            try:
                headers = {name.lower(): value for name, value in response.headers.items()}
                line.report(Head(at=now(), status=response.status_code, headers=headers))
                self._read_body(response, line)
                line.report(End(at=now()))
            finally:
                response.close()
        except BaseException as exc:  # noqa: BLE001  (nothing above would see it: the waiting thread gets it)
            line.report(Failed(at=now(), error=mapped(exc, url=self._url)))
        finally:
            line.close()

    def _read_body(self, response: httpx.Response, line: Line) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise MalformedAnswer("the answer is compressed although the request refused compression")
        size = 0
        for data in response.iter_raw():
            size += len(data)
            if size > MAX_BODY_BYTES:
                raise MalformedAnswer(f"the answer is longer than {MAX_BODY_BYTES} bytes")
            line.report(Chunk(at=self._clock.monotonic(), data=data))


class _TooLate(Exception):
    """We hung up before the connection was established, so nothing may be sent."""


def _tracer(line: Line, clock: Clock) -> Callable[[str, Mapping[str, Any]], None]:
    """Return the hook that httpx calls during a request; it finds the socket and the moment the request is written."""

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            stream = info["return_value"]
            if not line.hold(stream.get_extra_info("socket")):
                stream.close()
                raise _TooLate
        elif event.endswith("send_request_headers.started"):
            line.report(Connected(at=clock.monotonic()))
        elif event.endswith("send_request_body.complete"):
            line.report(Written(at=clock.monotonic()))

    return trace


def _tls(url: str) -> ssl.SSLContext:
    # Reading the certificates of the machine takes 20 ms, wasted without TLS.
    return ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def mapped(error: BaseException, *, url: str) -> BaseException:
    """Return the `HarnessError` for an error of the HTTP library; any other error is a defect and stays as it is."""
    kind = next((kind for kind in type(error).__mro__ if kind in BY_KIND), None)
    if kind is None:
        return error
    translated = BY_KIND[kind](error, url)
    # The library's frames hold the request with its token, which `pytest --showlocals` would print.
    for cause in chain(error):
        cause.__traceback__ = None
    translated.__cause__ = error
    return translated


def _unreachable(error: BaseException, url: str) -> HarnessError:
    cause = _tls_fault(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ServerUnreachable(
            f"the certificate of {url} is not trusted: {cause.verify_message}",
            hint="Add its issuer to the certificates of this machine (or name a file in SSL_CERT_FILE).",
        )
    if cause is not None:
        return NotLMStudio(
            f"the TLS handshake with {url} failed: {cause.reason or cause}", hint="LM Studio itself listens on http://"
        )
    return ServerUnreachable(f"no server answers at {url}: {error}", hint=START_HINT)


def _tls_fault(error: BaseException) -> ssl.SSLError | None:
    return next((cause for cause in chain(error) if isinstance(cause, ssl.SSLError)), None)


def _broken_protocol(error: BaseException, url: str) -> HarnessError:
    text = str(error)
    if "disconnected" in text or "peer closed" in text:
        return ConnectionLost(f"{url} closed the connection before the answer was complete: {text}")
    return NotLMStudio(
        f"what answers at {url} does not speak HTTP: {text}",
        hint="If the server uses TLS, the URL must begin with https://",
    )


def _lost(error: BaseException, url: str) -> HarnessError:
    return ConnectionLost(f"the connection to {url} broke: {str(error) or type(error).__name__}")


def _late(error: BaseException, url: str) -> HarnessError:
    return DeadlineExceeded(f"{url} took too long: {type(error).__name__}", phase="total", after_s=0.0)


def _late_connect(error: BaseException, url: str) -> HarnessError:
    return DeadlineExceeded(
        f"no connection to {url} in time ({type(error).__name__})", phase="connect", after_s=0.0, hint=START_HINT
    )


def _proxy(error: BaseException, url: str) -> HarnessError:
    return ServerUnreachable(f"the proxy on the way to {url} failed: {error}", hint="Check HTTP_PROXY and NO_PROXY.")


def _unusable(error: BaseException, url: str) -> HarnessError:
    return SettingsError(f"cannot send a request to {url}: {type(error).__name__}", hint="Check the URL and the token.")


def _redirected(error: BaseException, url: str) -> HarnessError:
    return NotLMStudio(f"{url} redirects: {error}")


def _unreadable(error: BaseException, url: str) -> HarnessError:
    return MalformedAnswer(f"{url} sent an unreadable answer: {error}")


BY_KIND: dict[type[BaseException], Callable[[BaseException, str], HarnessError]] = {
    UnicodeError: _unusable,  # a host name that cannot be encoded
    httpx.HTTPError: _lost,
    httpx.RequestError: _lost,
    httpx.TransportError: _lost,
    httpx.TimeoutException: _late,
    httpx.ConnectTimeout: _late_connect,
    httpx.ReadTimeout: _late,
    httpx.WriteTimeout: _late,
    httpx.PoolTimeout: _late,
    httpx.NetworkError: _lost,
    httpx.ConnectError: _unreachable,
    httpx.ReadError: _lost,
    httpx.WriteError: _lost,
    httpx.CloseError: _lost,
    httpx.ProtocolError: _broken_protocol,
    httpx.LocalProtocolError: _unusable,
    httpx.RemoteProtocolError: _broken_protocol,
    httpx.ProxyError: _proxy,
    httpx.UnsupportedProtocol: _unusable,
    httpx.DecodingError: _unreadable,
    httpx.TooManyRedirects: _redirected,
    httpx.HTTPStatusError: _unreadable,
    httpx.InvalidURL: _unusable,
    httpx.CookieConflict: _unreadable,
    httpx.StreamError: _lost,
    httpx.StreamConsumed: _lost,
    httpx.StreamClosed: _lost,
    httpx.ResponseNotRead: _lost,
    httpx.RequestNotRead: _lost,
}
"""Every exception of the HTTP library with its meaning here; a test proves that none is missing."""
