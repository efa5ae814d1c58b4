"""How a connection to a client is ended on purpose."""

import socket
import struct
from contextlib import suppress

from harness.testing.fault import Then

_LINGER_FOR_NOTHING = struct.pack("ii", 1, 0)


def prepare_end(client: socket.socket, then: Then) -> bool:
    """Prepare a connection to end in this way, and return whether it stays open, silent, until the client leaves.

    The caller closes it afterwards.
    """
    if then == "reset":
        # Closing a socket that does not linger sends RST in place of FIN.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_FOR_NOTHING)
    elif then == "half_close":
        with suppress(OSError):  # The client may be gone already; waiting for it finds out.
            client.shutdown(socket.SHUT_WR)
    return then in {"hang", "half_close"}
