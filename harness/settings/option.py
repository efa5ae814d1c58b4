"""`OPTIONS`, the only list of options: the pytest plugin and `lms-harness run` both offer exactly these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.settings import parser
from harness.settings.name import SettingName, setting
from harness.settings.rounds import FIRST_ROUND, LAST_ROUND

RETIRED: Mapping[str, SettingName] = {"race": "until_decided"}
"""Flags of earlier versions that are errors now, and the setting that took the place of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One setting as a user sees it.

    Attributes:
        name: of the field in `Settings`.
        flag: the option without its prefix, such as `max-size`; `Surface` knows the prefixes.
        metavar: what stands for the value in help texts.
        help: may refer to other settings by `setting`; the edge renders it.
        parse: text to value; raises ValueError with what was expected.
        env: the environment variable that is read when the option is not given.
        repeat: may be given several times (in ini: words); the values are collected.
        is_single: given twice it is an error, where others let the last one win: two values may well both be meant.
        is_flag: given without a value, which then is `yes`; in ini with one.
    """

    name: str
    flag: str
    metavar: str
    help: str
    parse: Callable[[str], Any]
    env: str | None = None
    repeat: bool = False
    is_single: bool = False
    is_flag: bool = False


OPTIONS: tuple[Option, ...] = (
    Option(
        name="url",
        flag="url",
        metavar="URL",
        parse=parser.url,
        env="LM_STUDIO_API_URL",
        help=f"LM Studio's address (default {parser.DEFAULT_URL}), "
        "or 'embedded' to start a small server that needs no LM Studio",
    ),
    Option(
        name="token",
        flag="token",
        metavar="TOKEN",
        parse=parser.any_text,
        env="LM_API_TOKEN",
        help="API token; better set in the variable LM_API_TOKEN, because options are visible in the process list",
    ),
    Option(
        name="models",
        flag="model",
        metavar="KEY",
        parse=parser.any_text,
        repeat=True,
        help="model key or glob, repeatable; 'all' for every chat model, and for embedding models where their tasks "
        "are named (default: the loaded models, else the smallest)",
    ),
    Option(
        name="exclude",
        flag="exclude",
        metavar="GLOB",
        parse=parser.any_text,
        repeat=True,
        help="leave out these models, repeatable",
    ),
    Option(
        name="max_size_bytes",
        flag="max-size",
        metavar="SIZE",
        parse=parser.size,
        help="leave out models larger than this, such as 20GB",
    ),
    Option(
        name="tasks",
        flag="task",
        metavar="TASK",
        parse=parser.any_text,
        repeat=True,
        help="run only this task, repeatable (default: all)",
    ),
    Option(
        name="own_tasks",
        flag="tasks",
        metavar="DIR",
        parse=parser.folder,
        is_single=True,
        help="run your own tasks: a folder with a .toml file for each and their data (docs/own-tasks.md)",
    ),
    Option(
        name="limit",
        flag="limit",
        metavar="N",
        parse=parser.whole(1, parser.MAX_COUNT),
        help="samples per task (default 30)",
    ),
    Option(
        name="epochs",
        flag="epochs",
        metavar="N",
        parse=parser.whole(1, parser.MAX_COUNT),
        help="ask each sample N times (default 1)",
    ),
    Option(
        name="seed",
        flag="seed",
        metavar="N",
        parse=parser.whole(0, parser.MAX_SEED),
        help="seed of the generated samples (default 0)",
    ),
    Option(
        name="load",
        flag="load",
        metavar="explicit|jit",
        parse=parser.one_of("explicit", "jit"),
        help="how models are loaded: explicit, by a load request (default), or jit, by the first chat",
    ),
    Option(
        name="unload",
        flag="unload",
        metavar="ours|all|keep",
        parse=parser.one_of("ours", "all", "keep"),
        help="what to unload after use: ours, what this run loaded (default); all, every copy of the model; "
        "keep, nothing",
    ),
    Option(
        name="context_length",
        flag="context-length",
        metavar="N",
        parse=parser.whole(1, parser.MAX_TOKENS),
        help="context to load models with, in tokens (default: what the tasks need)",
    ),
    Option(
        name="reasoning",
        flag="reasoning",
        metavar="LEVEL[,LEVEL…]",
        parse=parser.levels,
        help="reasoning level of models that list it: off, low, medium, high, on … (default: off, else the lowest); of "
        "several, such as off,high, each is compared as a model of its own, with one load for all",
    ),
    Option(
        name="concurrency",
        flag="concurrency",
        metavar="auto|N",
        parse=parser.concurrency,
        help="requests in flight at a time (default auto: one per slot of the instance)",
    ),
    Option(
        name="max_output_tokens",
        flag="max-output-tokens",
        metavar="N",
        parse=parser.whole(1, parser.MAX_TOKENS),
        help="upper bound on every task's own limit of output tokens",
    ),
    Option(
        name="floors",
        flag="floor",
        metavar="TASK=SCORE",
        parse=parser.floor,
        repeat=True,
        help="fail when a model scores below this on the task, repeatable (default: quality never fails a run)",
    ),
    Option(
        name="primary",
        flag="primary",
        metavar="KEY",
        parse=parser.any_text,
        help="compare the other models with this one, the one you would use otherwise (default: most parameters)",
    ),
    Option(
        name="margin",
        flag="margin",
        metavar="SCORE",
        parse=parser.margin,
        help="the largest loss of score that is acceptable, for the verdict 'not worse' (default 0.05)",
    ),
    Option(
        name="baselines",
        flag="baseline",
        metavar="RUN",
        parse=parser.any_text,
        repeat=True,
        help="compare with this earlier run, or the newest runs of this folder, and fail if something got worse or is "
        "missing, repeatable",
    ),
    Option(
        name="reducer",
        flag="reducer",
        metavar="NAME",
        parse=parser.reducer,
        help="how an item's epochs become one value: mean (default), majority, pass@k or pass^k, such as pass@3",
    ),
    Option(
        name="until_decided",
        flag="until-decided",
        metavar="yes|no",
        parse=parser.yes,
        is_flag=True,
        help=f"ask in rounds of {FIRST_ROUND}, {2 * FIRST_ROUND} … samples, up to {setting('limit')} "
        f"(default {LAST_ROUND}), from the second on only what is still open",
    ),
    Option(
        name="latency_budget_s",
        flag="latency-budget",
        metavar="TIME",
        parse=parser.seconds,
        help="time that the latency suite may spend on one model; a few rounds are measured in any case (default 45s)",
    ),
    Option(
        name="thorough",
        flag="thorough",
        metavar="yes|no",
        parse=parser.yes,
        is_flag=True,
        help=f"measure latency in full, whatever {setting('latency_budget_s')} says; takes minutes a model",
    ),
    Option(
        name="sample_deadline_s",
        flag="sample-deadline",
        metavar="TIME",
        parse=parser.seconds,
        help="deadline of one sample; a sample that takes longer scores 0 as a timeout (default 5m)",
    ),
    Option(
        name="budget_s",
        flag="budget",
        metavar="TIME",
        parse=parser.seconds,
        help="time for the whole run, such as 30m; it asks fewer samples, then fewer models (default: no limit)",
    ),
    Option(
        name="resume",
        flag="resume",
        metavar="FILE",
        parse=parser.run_file,
        help="resume this run file, or 'last': ask only what is missing, with its original options",
    ),
    Option(
        name="results",
        flag="results",
        metavar="DIR",
        parse=parser.folder,
        help="folder for run files (default results)",
    ),
    Option(
        name="review",
        flag="review",
        metavar="FILE",
        parse=parser.new_file,
        help='write the answers that a person is to grade to this new CSV file (own tasks with scorer = "review")',
    ),
    Option(
        name="details",
        flag="details",
        metavar="yes|no",
        parse=parser.yes,
        is_flag=True,
        help="show every table and verdict at the end of the run (default: only who takes which task)",
    ),
    Option(
        name="share_results",
        flag="share-results",
        metavar="yes|no",
        parse=parser.yes,
        is_flag=True,
        help="let other users of this machine read the run file, as far as the umask does (default: only you)",
    ),
    Option(
        name="no_prompts",
        flag="no-prompts",
        metavar="yes|no",
        parse=parser.yes,
        is_flag=True,
        help="leave the prompts out of the run file; answers and targets stay in it (default: prompts are recorded)",
    ),
    Option(
        name="models_dir",
        flag="models-dir",
        metavar="DIR",
        parse=parser.folder,
        help=f"with {setting('url', parser.EMBEDDED)}: serve the GGUF files in this folder, not the default models",
    ),
)
