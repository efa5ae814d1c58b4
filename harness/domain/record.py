"""The records of a run file: one JSON object a line, `kind` and `schema` first (docs/run-files.md).

Durations are in seconds (`_s`), sizes in bytes (`_bytes`), times are UTC ISO-8601 with Z; NaN and infinity are refused.
Readers ignore keys and kinds that they do not know, so that a file of a later minor version can still be read.

How the schema grows: a new kind, or a new field with a default, keeps `lms-harness/1`; an older file lacks it and gets
the default. A field is never renamed, never gets another meaning or unit, never loses its default; whatever needs that
is `lms-harness/2`. A file is only ever appended to: late scores may follow its `end`, and of several scores of one
`sample_uid` by one scorer and version the last one counts. tests/domain/first-version.jsonl keeps the promise.
"""

from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from harness.domain.sample import Json

SCHEMA: Literal["lms-harness/1"] = "lms-harness/1"
LoadMode: TypeAlias = Literal["explicit", "jit", "preloaded"]


class Record(BaseModel):
    """What all records share.

    Attributes:
        run_id: the run that wrote it.
        at: when it was written.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, populate_by_name=True)

    kind: str
    schema_name: Literal["lms-harness/1"] = Field(default=SCHEMA, alias="schema")
    run_id: str
    at: str

    def to_json(self) -> str:
        """Return the line, without its line end."""
        return self.model_dump_json(by_alias=True)


class RunRecord(Record):
    """The first line: everything needed to tell whether another run can be compared with this one.

    Attributes:
        parent_run_id: of the run that this one resumes. What it took over from there follows this record, with its own
            `at`, which is before this record's; so a reader of many files passes over a run that is another's parent.
    """

    kind: Literal["run"] = "run"
    harness_version: str
    versions: dict[str, str] = {}
    platform: str = ""
    cpu: str | None = None
    cpu_count: int | None = None
    memory_bytes: int | None = None
    server_kind: str
    server_url: str
    server_version: str | None = None
    git_commit: str | None = None
    git_dirty: bool | None = None
    argv: list[str] = []
    plan: dict[str, Any] = {}
    suite_hash: str = ""
    seed: int = 0
    sampling: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    settings_from: dict[str, str] = {}
    resident_before: list[str] = []
    notes: list[str] = []
    parent_run_id: str | None = None


class InstanceRecord(Record):
    """One acquired lease, or the attempt (`error`).

    `load_time_s` is the server's figure, `load_wall_s` what the client waited; both None for a preloaded instance.
    """

    kind: Literal["instance"] = "instance"
    model_key: str
    instance_id: str | None = None
    owned: bool = False
    load_mode: LoadMode = "explicit"
    purpose: str = "use"
    requested_config: dict[str, Any] = {}
    effective_config: dict[str, Any] = {}
    load_time_s: float | None = None
    load_wall_s: float | None = None
    size_bytes: int | None = None
    quantisation: str | None = None
    params: str | None = None
    format: str | None = None
    architecture: str | None = None
    max_context_length: int | None = None
    addressed_by: Literal["instance_id", "key"] = "instance_id"
    resident_others: list[str] = []
    error: str | None = None


class ReleaseRecord(Record):
    """The end of a lease. `unload_verified` is None when there was nothing to unload (preloaded, or `keep`)."""

    kind: Literal["release"] = "release"
    model_key: str
    instance_id: str
    policy: str
    unload_verified: bool | None = None
    unload_wall_s: float | None = None
    error: str | None = None


class SampleRecord(Record):
    """One sample. `sample_uid` names the question and all that may change its answer, but not the run.

    Answer, usage and times are those of the scored turn; `turns` has what came of the ones before it, in order.
    `attempts` are more than one where the server failed before it had produced anything, and it was asked again.
    `tags` are the task's own figures to group by, such as the depth of a needle.
    """

    kind: Literal["sample"] = "sample"
    sample_uid: str
    task: str
    task_class: str
    item_id: str
    item_hash: str
    cluster_id: str = ""
    tier: int = 1
    tags: dict[str, Any] = {}
    epoch: int = 1
    model_key: str
    instance_id: str
    prompt_hash: str
    request: dict[str, Any] = {}
    target: Json = None
    turns: list[dict[str, Any]] = []
    outcome: str
    output_text: str = ""
    reasoning_text: str = ""
    usage: dict[str, int | None] = {}
    times: dict[str, float | int | None] = {}
    server_stats: dict[str, float | int | None] = {}
    attempts: int = 1
    cold: bool = False
    error: str | None = None


class ScoreRecord(Record):
    """One judgement of one sample. `value` None means unscored, which is not 0."""

    kind: Literal["score"] = "score"
    sample_uid: str
    scorer: str
    scorer_version: str
    value: float | None
    passed: bool | None = None
    reason: str = ""
    details: dict[str, Any] = {}
    judge: str | None = None


class MeasureRecord(Record):
    """One measured figure. Metric names are values, not columns, so that many runs read as one table."""

    kind: Literal["measure"] = "measure"
    name: str
    value: float
    unit: str
    model_key: str
    instance_id: str | None = None
    round: int = 1
    cold: bool | None = None
    params: dict[str, Any] = {}


class SkipRecord(Record):
    """A model or a task that was not run, and why."""

    kind: Literal["skip"] = "skip"
    model_key: str | None = None
    task: str | None = None
    reason: str


class ItemRecord(Record):
    """One test that came to an end: what a resumed run need not repeat.

    A test that was put off (its model could not be loaded, the time was over) has no such record.

    Attributes:
        test: pytest's node id.
        model_key: of the model that it ran on; None: the test is about the server.
    """

    kind: Literal["item"] = "item"
    test: str
    model_key: str | None = None
    outcome: Literal["passed", "failed", "skipped"]


class SummaryRecord(Record):
    """One cell of the table: a model on a task.

    Attributes:
        n: items that count (scored, or a failure of the model, which scores 0).
        unscored: answers lost to the server or to an interruption; more than 5 % and nothing is claimed.
        planned: answers that were planned, items x epochs; None in files of before there was this figure.
        score: mean over items; each item's epochs are reduced to one value first. None where nothing was scored, and
            where a race was stopped early: that mean would be biased.
        low, high, interval: the 95 % interval and its method.
        reducer: what made one value of an item's epochs.
        repeats: of the epochs: `between` and `within` (variances of the scores), `flip_rate`, and the `reason` why one
            is missing, such as that there was one epoch.
        item_rates: with more than one epoch: the pass rate of each item, the least passed first.
        stopped_early: a race has decided before all was asked; n, score and interval are of the items up to then.
        race: in a race: `floor`, `p0`, `p1`, `decision`, `observations` (clusters that it looked at), `of`, `asked`
            (answers), and `saved_s`, the time that the others would have taken.
    """

    kind: Literal["summary"] = "summary"
    model_key: str
    task: str
    task_class: str
    scorer: str
    n: int
    unscored: int
    planned: int | None = None
    epochs: int = 1
    score: float | None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    passed: int | None = None
    by_tier: dict[str, float] = {}
    outcomes: dict[str, int] = {}
    e2e_p50_s: float | None = None
    reducer: str = "mean"
    repeats: dict[str, float | str | None] = {}
    item_rates: dict[str, float] = {}
    stopped_early: bool = False
    race: dict[str, float | int | str] = {}

    @property
    def answers(self) -> int:
        """How many answers the cell should rest on: those planned, or those up to where a race was stopped."""
        if self.planned is None or self.stopped_early:
            return self.n * self.epochs + self.unscored
        return self.planned


class ComparisonRecord(Record):
    """A verdict on a model on a task, written at the end of the run, when all models have answered.

    Attributes:
        model_key: the candidate.
        reference: the model that it is compared with on the same items; None: it is compared with a floor.
        floor: the floor; None: it is compared with a model.
        verdict: what may be said at 5 % false alarms (docs/statistics.md).
        reason: what it rests on, on one line.
        n: items compared.
        unscored: answers of both that were lost; they count against whatever is claimed.
        difference: mean of candidate - reference, the unscored counted against the candidate; None: withheld.
        low, high, interval: its 95 % interval and the method.
        p, test: p-value of "no difference", adjusted for the number of candidates, and its method.
        candidate_only, reference_only: items on which the one scored more than the other.
        margin: the largest loss that does not matter.
        needed: items that it would take to decide; None where it is decided, or no number would do.
        needed_difference: the difference that they would tell.
    """

    kind: Literal["comparison"] = "comparison"
    model_key: str
    task: str
    task_class: str
    reference: str | None = None
    floor: float | None = None
    verdict: Literal["better", "worse", "not worse", "not decided"]
    reason: str = ""
    n: int
    unscored: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""
    p: float | None = None
    test: str = ""
    candidate_only: int | None = None
    reference_only: int | None = None
    margin: float | None = None
    needed: int | None = None
    needed_difference: float | None = None


class EndRecord(Record):
    """The last line; a file without it belongs to a run that is still going or died."""

    kind: Literal["end"] = "end"
    exit_code: int
    duration_s: float
    samples: int
    interrupted: bool = False
    resident_after: list[str] | None = None


class Kinds:
    """Which class reads which `kind`."""

    by_name: ClassVar[dict[str, type[Record]]] = {
        "run": RunRecord,
        "instance": InstanceRecord,
        "release": ReleaseRecord,
        "sample": SampleRecord,
        "score": ScoreRecord,
        "measure": MeasureRecord,
        "skip": SkipRecord,
        "item": ItemRecord,
        "summary": SummaryRecord,
        "comparison": ComparisonRecord,
        "end": EndRecord,
    }
