"""All tables of a thorough run, in order."""

from harness.report.latency import depth, noise, thinking, throughput
from harness.store.run_file import RunFile


def tables(seen: RunFile, *, width: int | None) -> list[str]:
    """Return the paragraphs and tables of what was measured in full; empty where nothing was.

    Args:
        seen: the run.
        width: of the terminal, in columns; None: unlimited.
    """
    topics = (depth.render, thinking.render, throughput.render, noise.render)
    return [part for topic in topics for part in topic(seen, width=width)]
