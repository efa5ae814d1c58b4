"""All tables of the latency suite, in order."""

from harness.report.latency import depth, limit, load, noise, thinking, throughput, vector
from harness.store.run_file import RunFile


def tables(seen: RunFile, *, width: int | None, is_detailed: bool = False) -> list[str]:
    """Return the paragraphs and tables of what was measured in full; empty where nothing was.

    Loads are timed in every run, and vectors looked at: these tables are shown of a thorough one, or on request.

    Args:
        seen: the run.
        width: of the terminal, in columns; None: unlimited.
        is_detailed: show what an everyday run measured, too.
    """
    is_thorough = seen.header is not None and seen.header.settings.get("thorough") is True
    everyday = (load.render, vector.render) if is_detailed or is_thorough else ()
    topics = (*everyday, depth.render, thinking.render, throughput.render, limit.render, noise.render)
    return [part for topic in topics for part in topic(seen, width=width)]
