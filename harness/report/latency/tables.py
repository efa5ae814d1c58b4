"""All tables of a thorough run, in order."""

from harness.report.latency import depth, throughput
from harness.store.run_file import RunFile


def tables(seen: RunFile, *, width: int | None) -> list[str]:
    """Return the paragraphs and tables of what was measured in full; empty where nothing was.

    Args:
        seen: the run.
        width: of the terminal, in columns; None: unlimited.
    """
    return [*depth.render(seen, width=width), *throughput.render(seen, width=width)]
