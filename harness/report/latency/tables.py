"""All tables of the latency suite, in order."""

from harness.report.latency import depth, limit, load, noise, thinking, throughput
from harness.store.run_file import RunFile


def tables(seen: RunFile, *, width: int | None, is_detailed: bool = False) -> list[str]:
    """Return the paragraphs and tables of what was measured in full; empty where nothing was.

    Loads are timed in every run: their table is shown of a thorough one, or on request.

    Args:
        seen: the run.
        width: of the terminal, in columns; None: unlimited.
        is_detailed: show what an everyday run measured, too.
    """
    is_thorough = seen.header is not None and seen.header.settings.get("thorough") is True
    loads = load.render(seen, width=width) if is_detailed or is_thorough else []
    topics = (depth.render, thinking.render, throughput.render, limit.render, noise.render)
    return [*loads, *(part for topic in topics for part in topic(seen, width=width))]
