"""The routing file, `routing.json`: which model takes which task, and on what evidence. Written by `choose -o`.

Scripts read it, so it grows as run files do: a new field with a default keeps `lms-harness-routing/1`; a field is never
renamed and never changes its meaning.
"""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

ROUTING_SCHEMA: Literal["lms-harness-routing/1"] = "lms-harness-routing/1"
RouteAnswer: TypeAlias = Literal["model", "certified", "open", "primary"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, populate_by_name=True, protected_namespaces=())


class RoutedModel(_Part):
    """One model on one task.

    Attributes:
        model_key: what LM Studio calls it.
        reasoning_level: to ask it with, where several were measured; null: what its runs asked with by their settings.
        variant, quantisation, size_bytes: which of the model's files answered; another one is another model.
        n: items that it was asked.
        lost: answers that were lost; they count as wrong.
        score, low, high: the mean with its 95 % interval (Wilson).
        suffices: the probability that it reaches the yardstick.
        is_certified: the claim that it does holds at 5 % false alarms.
        p50_s, load_s: median time of an answer, and of a load.
        reason: why the task is not handed to it; empty: it may be.
    """

    model_key: str
    reasoning_level: str | None = None
    variant: str | None = None
    quantisation: str | None = None
    size_bytes: int | None = None
    n: int
    lost: int = 0
    score: float | None = None
    low: float | None = None
    high: float | None = None
    suffices: float
    is_certified: bool = False
    p50_s: float | None = None
    load_s: float | None = None
    reason: str = ""


class RouteServer(_Part):
    """The server that answered."""

    kind: str
    url: str
    version: str | None = None


class RouteEvidence(_Part):
    """What an answer rests on.

    Attributes:
        run_ids: of the runs, the newest first.
        measured_at: when the oldest of them began.
        valid_until: from then on the answer is stale: models, runtimes and machines change.
        n: items that the named model was asked.
        score, low, high: its mean with the 95 % interval.
        yardstick: the score to reach.
        expected_regret: what it may lose against the best one within the limits, in score less the price of time.
        nothing_much_better: the probability that no model is more than 0.05 better.
        loss_to_largest: expected loss of score against the largest model; null: it is that one.
        suite_hash: of the samples of this task, as the newest run's plan has it.
        scorer, scorer_version: who judged.
        servers: that answered.
        harness_versions: that asked.
    """

    run_ids: list[str]
    measured_at: str
    valid_until: str
    n: int
    score: float | None = None
    low: float | None = None
    high: float | None = None
    yardstick: float
    expected_regret: float | None = None
    nothing_much_better: float | None = None
    loss_to_largest: float | None = None
    suite_hash: str = ""
    scorer: str | None = None
    scorer_version: str | None = None
    servers: list[RouteServer]
    harness_versions: list[str]


class TaskRoute(_Part):
    """Who takes one task.

    Attributes:
        task_class: the row of the catalogue.
        answer: `model`; `certified`, a model for which the claim holds as well; `primary`: keep what you use now;
            `open`: not decided.
        model_key: whom to hand the task to; null where the answer is open or primary.
        reasoning_level: to ask it with, where several were measured.
        best_so_far: the best model, as `key` or `key@level`, where the answer is open or primary.
        items_to_settle: items in all that would probably settle an open answer.
        suffices: all models that may take the task, the preferred one first.
        rejected: the others, the best first, each with the reason.
        evidence: what the answer rests on.
        is_demonstration: the embedded default models answered, which are no models to choose among.
    """

    task_class: str
    answer: RouteAnswer
    model_key: str | None
    reasoning_level: str | None = None
    best_so_far: str | None = None
    items_to_settle: int | None = None
    suffices: list[RoutedModel]
    rejected: list[RoutedModel]
    evidence: RouteEvidence
    is_demonstration: bool = False


class RouteBaseline(_Part):
    """What one model for every task would mean.

    Attributes:
        model_key, reasoning_level: as above.
        suffices_for: the tasks for which it suffices.
        mean_score: over the tasks that it was asked.
        total_p50_s: the sum of its median times over those tasks; null: not measured.
    """

    model_key: str
    reasoning_level: str | None = None
    suffices_for: list[str]
    mean_score: float | None = None
    total_p50_s: float | None = None


class RouteBaselines(_Part):
    """One model for everything: always the smallest, always the largest, the best single one; and the primary."""

    smallest: RouteBaseline | None = None
    largest: RouteBaseline | None = None
    best_single: RouteBaseline | None = None
    primary: RouteBaseline | None = None


class RoutingFile(_Part):
    """The whole file.

    Attributes:
        made_at: when it was written.
        harness_version: that wrote it.
        rule: how was chosen: floor, margin, confidence, price and limits, as `lms-harness choose` names them.
        primary: what is used now, where its answers are the yardstick.
        baselines: what one model for everything would mean.
        tasks: by name.
    """

    schema_name: Literal["lms-harness-routing/1"] = Field(default=ROUTING_SCHEMA, alias="schema")
    made_at: str
    harness_version: str
    rule: dict[str, Any]
    primary: str | None = None
    baselines: RouteBaselines
    tasks: dict[str, TaskRoute]
