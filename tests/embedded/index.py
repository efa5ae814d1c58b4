"""A package index of one folder, with what can go wrong on the way to a wheel."""

import contextlib
import io
import threading
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel(name: str, version: str, files: Mapping[str, bytes]) -> bytes:
    """Return a wheel that pip takes, with these files."""
    packed, about = io.BytesIO(), f"{name}-{version}.dist-info"
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", _WHEEL)
        archive.writestr(f"{about}/RECORD", "")
    return packed.getvalue()


class PackageIndex:
    """Serves wheels on this machine, as `/simple/NAME/` lists them.

    Args:
        wheels: by file name.
        status: of the answer to every listing.
        cut: a wheel ends after half of its bytes.
        hangs: a wheel stops after half of its bytes, until the client leaves.

    Attributes:
        downloads: the wheels that were asked for, in order.
        is_asked: set once one was.
        is_left: set once a client left that waited for the rest.
    """

    def __init__(
        self, wheels: Mapping[str, bytes], *, status: int = 200, cut: bool = False, hangs: bool = False
    ) -> None:
        self.downloads: list[str] = []
        self.is_asked = threading.Event()
        self.is_left = threading.Event()
        downloads, is_asked, is_left = self.downloads, self.is_asked, self.is_left

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                *_, kind, name = self.path.rstrip("/").split("/")
                if kind == "simple":
                    named = [file for file in wheels if file.startswith(name.replace("-", "_") + "-")]
                    self._answer(status, "".join(f'<a href="/file/{file}">{file}</a>\n' for file in named).encode())
                    return
                downloads.append(name)
                body = wheels[name]
                half = len(body) // 2
                self._answer(200, body[:half] if cut or hangs else body, size=len(body), type_="application/zip")
                is_asked.set()
                if hangs:
                    with contextlib.suppress(ConnectionResetError):  # A client that dies may have unread bytes.
                        self.rfile.read(1)
                    is_left.set()

            def _answer(self, status: int, body: bytes, *, size: int | None = None, type_: str = "text/html") -> None:
                self.send_response(status)
                self.send_header("Content-Type", type_)
                self.send_header("Content-Length", str(len(body) if size is None else size))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """What pip takes as its index."""
        return f"http://127.0.0.1:{self._http.server_port}/simple/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
