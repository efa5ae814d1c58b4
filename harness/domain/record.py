"""The records of a run file: one JSON object a line, `kind` and `schema` first (docs/run-files.md).

Durations are in seconds (`_s`), sizes in bytes (`_bytes`), times are UTC ISO-8601 with Z; NaN and infinity are refused.
Readers ignore keys and kinds that they do not know, so that files of a later minor version can be read.

How the schema grows: a new kind, or a new field with a default, keeps `lms-harness/1`; older files lack it and get the
default. A field is never renamed, never changes its meaning or unit, and never loses its default; such a change would
be `lms-harness/2`. Files are only appended to: late scores may follow the `end`, and of several scores of one
`sample_uid` by one scorer and version the last one counts. tests/domain/first-version.jsonl holds us to this.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

from harness.domain.candidate import is_planned
from harness.domain.sample import Json
from harness.domain.way import PROMPT, Way

SCHEMA: Literal["lms-harness/1"] = "lms-harness/1"
_PLAN: Mapping[str, type] = {
    **dict.fromkeys(("models", "rounds", "candidates"), list),
    **dict.fromkeys(("tasks", "floors", "room_tokens"), dict),
}
LoadMode: TypeAlias = Literal["explicit", "jit", "preloaded"]


class Record(BaseModel):
    """The fields of every record.

    Attributes:
        run_id: the run that wrote it.
        at: when it was written.
    """

    # Validators are built with the first record of a kind: building those of all takes 30 ms.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, populate_by_name=True, defer_build=True)

    kind: str
    schema_name: Literal["lms-harness/1"] = Field(default=SCHEMA, alias="schema")
    run_id: str
    at: str

    def to_json(self) -> str:
        """Return the line, without the newline."""
        return self.model_dump_json(by_alias=True)


class FrequentRecord(Record):
    """A record of which there is one for each sample: its line lacks the optional fields that are null."""

    _nullable: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Note which fields are null where a line lacks them."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._nullable = tuple(name for name, field in cls.model_fields.items() if field.default is None)

    def to_json(self) -> str:
        """Return the line, without the newline."""
        return self.model_dump_json(
            by_alias=True, exclude={name for name in self._nullable if getattr(self, name) is None}
        )


class RunRecord(Record):
    """The first line: everything needed to decide whether another run can be compared with this one.

    Attributes:
        conditions: of the machine that asked, when the run began: `load_average` (of the last minute), `governor` (what
            sets the cores' frequency) and `power` (`mains` or `battery`); null where it is not readable.
        parent_run_id: of the run that this one resumes. The records taken over from it follow this one and keep their
            own, earlier `at`; a reader of many files skips a run that is the parent of another one.
    """

    kind: Literal["run"] = "run"
    harness_version: str
    versions: dict[str, str] = {}
    platform: str = ""
    cpu: str | None = None
    cpu_count: int | None = None
    memory_bytes: int | None = None
    conditions: dict[str, float | str | None] = {}
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

    @field_validator("plan")
    @classmethod
    def _checked_plan(cls, plan: dict[str, Any]) -> dict[str, Any]:
        """Return the plan if what others read of it has the right type."""
        for name, kind in _PLAN.items():
            if not isinstance(plan.get(name, kind()), kind):
                got = type(plan[name]).__name__
                raise ValueError(f"{name}: expected a {kind.__name__}, got {got}")  # noqa: TRY004  (pydantic's rule)
        if not all(isinstance(rooms, dict) for rooms in plan.get("room_tokens", {}).values()):
            raise ValueError("room_tokens: expected a dict of dicts")
        if not all(is_planned(entry) for entry in plan.get("candidates", ())):
            raise ValueError("candidates: expected each with a model_key and a reasoning_level")
        return plan


class InstanceRecord(Record):
    """One acquired lease, or a failed attempt (`error`).

    `load_time_s` is the server's figure, `load_wall_s` the time that the client waited; both are None for a preloaded
    instance. `variant` is the one of the model's files that was selected; None where the listing has no variants.
    A second record of the same lease says what the warm-up showed: that requests name the key, that the model thinks in
    its text (`thinks_in_text`), that its server stops so many tokens before the limit (`short_by_tokens`).
    Each reasoning level that is asked on the lease has its own warm-up, and that record names the level.
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
    variant: str | None = None
    quantisation: str | None = None
    params: str | None = None
    format: str | None = None
    architecture: str | None = None
    max_context_length: int | None = None
    reasoning_level: str | None = None
    addressed_by: Literal["instance_id", "key"] = "instance_id"
    resident_others: list[str] = []
    thinks_in_text: bool = False
    short_by_tokens: int = 0
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


class PromptRecord(FrequentRecord):
    """What a model was sent, once per run file: samples of the same `prompt_hash` share it, and follow it.

    Prompts that are fitted to the context differ by model, and so do their hashes. A run with `no_prompts` has no such
    records, and neither have files of version 0.1.0.

    Attributes:
        prompt: the user's message; with turns, the last one, whose answer is scored.
        system_prompt: sent with the first message only.
        turns: the user's messages before the prompt, in order.
        continues: the turn that the prompt follows, counted from 1; None: the last.
        images: in the order sent, the `sha256` and the `bytes` of each; the images themselves are not recorded.
        tools: the functions that were sent beside the prompt, under the names sent; none: it has them itself, if any.
    """

    kind: Literal["prompt"] = "prompt"
    prompt_hash: str
    prompt: str
    system_prompt: str | None = None
    turns: list[str] = []
    continues: int | None = None
    images: list[dict[str, Any]] = []
    tools: list[dict[str, Any]] = []


class SampleRecord(FrequentRecord):
    """One sample. `sample_uid` identifies the question and everything that may change its answer, but not the run.

    Answer, usage and times are those of the scored turn; `turns` has the earlier ones, in order. `attempts` is more
    than one when the server failed before it had produced anything and was asked again. `tags` are the task's own
    values to group by, such as the depth of a needle. `stratum` is the template of a generator, `cluster_id` something
    sampled that several items share. Files of version 0.1.0 have no `stratum`; in their samples of shipped tasks,
    `cluster_id` holds it. `way` is `native` where functions were sent as `tools`; older files lack it.
    """

    kind: Literal["sample"] = "sample"
    sample_uid: str
    task: str
    task_class: str
    item_id: str
    item_hash: str
    stratum: str = ""
    cluster_id: str = ""
    tier: int = 1
    tags: dict[str, Any] = {}
    epoch: int = 1
    model_key: str
    reasoning_level: str | None = None
    instance_id: str
    prompt_hash: str
    way: Way = PROMPT
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


class ScoreRecord(FrequentRecord):
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
    """One measured figure. Metric names are values, not columns, so that many runs form one table."""

    kind: Literal["measure"] = "measure"
    name: str
    value: float
    unit: str
    model_key: str
    reasoning_level: str | None = None
    instance_id: str | None = None
    round: int = 1
    cold: bool | None = None
    params: dict[str, Any] = {}


class SkipRecord(Record):
    """A model or a task that was not run, and why."""

    kind: Literal["skip"] = "skip"
    model_key: str | None = None
    reasoning_level: str | None = None
    task: str | None = None
    reason: str


class ItemRecord(Record):
    """One finished test, which a resumed run need not repeat.

    A test that was postponed (its model could not be loaded, the time was over) has no such record.

    Attributes:
        test: pytest's node id.
        model_key: of the model under test; None: the test is about the server.
    """

    kind: Literal["item"] = "item"
    test: str
    model_key: str | None = None
    reasoning_level: str | None = None
    outcome: Literal["passed", "failed", "skipped"]


class SummaryRecord(Record):
    """One cell of the table: a model on a task.

    Attributes:
        n: items that count (scored, or a failure of the model, which scores 0).
        unscored: answers lost to the server or to an interruption; beyond 5 % nothing is claimed.
        planned: planned answers, items x epochs; None in files that are older than this figure.
        score: mean over items; each item's epochs are reduced to one value first. None when nothing was scored, and
            when a race was stopped early, as that mean would be biased.
        chance: the mean score of answers that did not read the prompt; None in files that are older than this figure.
        low, high, interval, reducer: the 95 % interval and its method; how an item's epochs became one value.
        repeats: of the epochs: variances `between` and `within`, `flip_rate`, and the `reason` why one is missing.
        item_rates: with more than one epoch: the pass rate of each item, the least passed first.
        stopped_early: in files of version 0.1.0: a race was decided before everything was asked; n, score and interval
            cover the items up to then.
        race: in a race of version 0.1.0: `floor`, `p0`, `p1`, `decision`, `observations` (clusters used), `of`,
            `asked` (answers), and `saved_s`, the time that the remaining answers would have taken.
        metrics: what the paper of a public format reports besides, such as IFEval's four accuracies, by name.
        thoughts: where the server reported any: how many `answers`, and medians of tokens and seconds of both parts.
        scorer_faults: why answers could not be judged though the model gave them: scorer or task failed; up to five.
    """

    kind: Literal["summary"] = "summary"
    model_key: str
    reasoning_level: str | None = None
    task: str
    task_class: str
    scorer: str
    n: int
    unscored: int
    planned: int | None = None
    epochs: int = 1
    score: float | None
    chance: float | None = None
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
    scorer_faults: list[str] = []
    metrics: dict[str, float] = {}
    thoughts: dict[str, float] = {}

    @property
    def answers(self) -> int:
        """How many answers the cell should rest on: the planned ones, or those up to where a race was stopped."""
        if self.planned is None or self.stopped_early:
            return self.n * self.epochs + self.unscored
        return self.planned


class ComparisonRecord(Record):
    """A verdict on a model on a task, written at the end of the run, once all models have answered.

    Attributes:
        model_key: of the candidate.
        reference: what it is compared with on the same items, as `key` or `key@level`; None: a floor.
        floor: the floor; None: it is compared with a model.
        verdict: what may be claimed at a chance of false alarms of `alpha` (docs/statistics.md).
        reason: its evidence, on one line.
        n: items compared.
        unscored: answers lost on either side; they count against the claim.
        difference: mean of candidate - reference, the unscored counted against the candidate; None: withheld.
        low, high, interval: its 95 % interval and the method.
        p, test: p-value of "no difference", adjusted for the number of candidates, and its method.
        candidate_only, reference_only: items on which one scored more than the other.
        margin: the largest loss that does not matter.
        needed: items needed for a decision; None when it is decided, or when no number would suffice.
        needed_for: the verdict that they would allow, the cheapest one.
        alpha: 5 %, or a share of it where the run looked at its answers several times.
        needed_difference: in files of version 0.1.0, the difference that they would detect.
    """

    kind: Literal["comparison"] = "comparison"
    model_key: str
    reasoning_level: str | None = None
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
    needed_for: str = ""
    alpha: float = 0.05


class EndRecord(Record):
    """The last line; a file without it belongs to a run that is still running or died."""

    kind: Literal["end"] = "end"
    exit_code: int
    duration_s: float
    samples: int
    interrupted: bool = False
    resident_after: list[str] | None = None
