"""How long the client waits for each kind of answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long to wait, in seconds.

    Attributes:
        connect_s: for a connection, including name lookup and TLS.
        list_s: for the listing of the models.
        load_s: for a load; the server sends nothing until the model is ready.
        unload_s: for an unload.
        download_s: for the answer that a download has begun; the server searches its catalogue first.
        idle_s: within a streamed chat, for the next event that shows progress; comments and empty deltas do not.
        total_s: for a whole chat. It is the only deadline of a plain chat, which sends nothing until it ends.
    """

    connect_s: float = 3.0
    list_s: float = 10.0
    load_s: float = 600.0
    unload_s: float = 60.0
    download_s: float = 60.0
    idle_s: float = 300.0
    total_s: float = 900.0
