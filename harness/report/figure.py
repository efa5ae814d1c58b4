"""Durations, rates and sizes as people read them."""

from collections.abc import Mapping

_HOUR_S = 3600
_GIGABYTE, _MEGABYTE = 1e9, 1e6
_SHORT_S = 0.1


def seconds(duration_s: float | None) -> str:
    """Return a duration with about three digits: "5.3 ms", "0.42 s", "12.3 s", "2m05s", "3h20m"; "n/a" for None."""
    if duration_s is None:
        return "n/a"
    if 0 < duration_s < _SHORT_S:  # Hundredths of a second would say nothing.
        return milliseconds(duration_s)
    if duration_s < 10:  # noqa: PLR2004  (three digits are enough)
        return f"{duration_s:.2f} s"
    if duration_s < 100:  # noqa: PLR2004
        return f"{duration_s:.1f} s"
    if duration_s < _HOUR_S:
        return f"{int(duration_s // 60)}m{int(duration_s % 60):02d}s"
    return f"{int(duration_s // _HOUR_S)}h{int(duration_s % _HOUR_S // 60):02d}m"


def milliseconds(duration_s: float | None) -> str:
    """Return a short duration with about two digits: "3.1 ms", "240 ms", from 1 s on as `seconds`; "n/a" for None."""
    if duration_s is None or duration_s >= 1:
        return seconds(duration_s)
    return f"{1000 * duration_s:.0f} ms" if duration_s >= 0.01 else f"{1000 * duration_s:.1f} ms"  # noqa: PLR2004


def size(size_bytes: int | None) -> str:
    """Return a size in powers of ten: "98 MB", "4.1 GB"; "n/a" where it is unknown."""
    if not size_bytes:
        return "n/a"
    if size_bytes >= _GIGABYTE:
        return f"{size_bytes / _GIGABYTE:.1f} GB"
    return f"{size_bytes / _MEGABYTE:.0f} MB"


def rate(per_second: float | None) -> str:
    """Return a number of tokens per second: "9.5", "51"; "n/a" for None."""
    if per_second is None:
        return "n/a"
    return f"{per_second:.0f}" if per_second >= 10 else f"{per_second:.1f}"  # noqa: PLR2004


def metrics_line(metrics: Mapping[str, float]) -> str:
    """Return figures with names, such as the four accuracies of IFEval, on one line."""
    return ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in metrics.items())
