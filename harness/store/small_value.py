"""Sample and score records as a view of a run takes them in: parsed, and their small values checked by hand."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from pathlib import Path
from sys import float_info
from typing import Any

from harness.domain.way import NATIVE, PROMPT
from harness.store.reader import RunLine, as_record

_sample_texts = itemgetter(
    "run_id",
    "at",
    "sample_uid",
    "task",
    "task_class",
    "item_id",
    "item_hash",
    "model_key",
    "instance_id",
    "prompt_hash",
    "outcome",
)
_TASKS_OF_FIRST_VERSION = frozenset(
    {
        "brainstorm",
        "classify",
        "extract",
        "instruct",
        "longcontext",
        "multiturn",
        "reason",
        "review",
        "rewrite",
        "summarise",
    }
)
_WAYS = PROMPT, NATIVE  # A tuple, as a record may hold what has no hash.
_score_texts = itemgetter("run_id", "at", "sample_uid", "scorer", "scorer_version")


def checked_sample(path: Path, line: RunLine, value: dict[str, Any]) -> dict[str, Any]:
    """Return a sample record whose small values have the right types.

    They are looked at one by one, which takes a tenth of pydantic's time: most of that would go into texts that are not
    kept. Whatever is not as we write it goes through pydantic, which has the messages.
    """
    times, usage, stats = value.get("times", {}), value.get("usage", {}), value.get("server_stats", {})
    if (
        _are_texts(value, _sample_texts)
        and type(value.get("reasoning_level")) in {str, type(None)}
        and type(value.get("epoch", 1)) is type(value.get("tier", 1)) is int
        and type(value.get("cluster_id", "")) is type(value.get("stratum", "")) is str
        and value.get("way", PROMPT) in _WAYS
        and type(times) is type(usage) is type(stats) is dict
        and _is_figure(times.get("ttft_s"))
        and _is_figure(times.get("e2e_s"))
        and _is_figure(stats.get("tokens_per_second"))
        and type(usage.get("total_output_tokens")) in {int, type(None)}
    ):
        return value
    return _validated(path, line, value)


def strata_of(value: Mapping[str, Any]) -> tuple[str, str]:
    """Return the stratum and the cluster of a sample record.

    Version 0.1.0 had no strata: the templates of the shipped tasks were recorded as clusters, and are strata.
    """
    cluster_id = value.get("cluster_id", "")
    if "stratum" not in value and value["task"] in _TASKS_OF_FIRST_VERSION:
        return cluster_id, ""
    return value.get("stratum", ""), cluster_id


def checked_score(path: Path, line: RunLine, value: dict[str, Any]) -> dict[str, Any]:
    """Return a score record whose small values have the right types; see `checked_sample`."""
    if (
        _are_texts(value, _score_texts)
        and _is_figure(value.get("value", ""))
        and type(value.get("passed")) in {bool, type(None)}
        and type(value.get("judge")) in {str, type(None)}
    ):
        return value
    return _validated(path, line, value)


def _validated(path: Path, line: RunLine, value: dict[str, Any]) -> dict[str, Any]:
    record = as_record(path, line, value)
    assert record is not None  # noqa: S101  (its kind is known)
    return record.model_dump(exclude_unset=True)  # What the file lacks stays lacking: `strata_of` asks.


def _are_texts(value: dict[str, Any], fields: Callable[[dict[str, Any]], tuple[Any, ...]]) -> bool:
    try:
        return set(map(type, fields(value))) == {str}
    except KeyError:
        return False


def _is_figure(value: Any) -> bool:
    return value is None or (type(value) in {int, float} and -float_info.max <= value <= float_info.max)
