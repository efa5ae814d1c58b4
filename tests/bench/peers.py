"""All who race, each as its own documentation would have it: so many at a time, no retries, no cache, no telemetry."""

import json
import shutil
import tomllib
from pathlib import Path

from tests.bench.environment import CLONE
from tests.bench.peer import SAMPLES, Job, Peer

_PROGRAMS = Path(__file__).parent / "program"
_HTTPX = "httpx==0.28.1"
_PYTEST = "pytest==9.2.0"
_XDIST = "pytest-xdist==3.8.0"


def _python(job: Job) -> str:
    return str(job.environment / "bin" / "python")


def _program(job: Job, name: str, target: str | None = None) -> str:
    """Put a program into the job's folder, and return its name there."""
    shutil.copyfile(_PROGRAMS / name, job.folder / (target or name))
    return target or name


def _httpx(job: Job) -> list[str]:
    return [_python(job), _program(job, "raw_httpx.py")]


def _empty_pytest(job: Job) -> list[str]:
    (job.folder / "test_empty.py").write_text("def test_nothing():\n    pass\n")
    return [_python(job), "-m", "pytest", "-q", "test_empty.py"]


def _workers(job: Job) -> list[str]:
    return ["-n", str(min(job.concurrency, job.samples))] if job.concurrency > 1 else []


def _pytest(job: Job) -> list[str]:
    return [_python(job), "-m", "pytest", "-q", _program(job, "pytest_case.py", "test_case.py"), *_workers(job)]


def _pytest_evals(job: Job) -> list[str]:
    case = _program(job, "pytest_evals_case.py", "test_case.py")
    return [_python(job), "-m", "pytest", "-q", "--run-eval", case, *_workers(job)]


def _harness(job: Job) -> list[str]:
    tasks = job.folder / "numbers"
    tasks.mkdir(exist_ok=True)
    shutil.move(job.folder / SAMPLES, tasks / SAMPLES)
    lines = [f'data = "{SAMPLES}"', 'prompt = "{input}"', 'target = "target"', 'scorer = "exact"']
    (tasks / "numbers.toml").write_text("\n".join([*lines, "max_output_tokens = 64", ""]))
    words = [f"--url={job.url}", f"--model={job.model}", "--tasks=numbers", f"--limit={job.samples}"]
    return [str(job.environment / "bin" / "lms-harness"), "run", *words, f"--concurrency={job.concurrency}"]


def _harness_resume(job: Job) -> list[str]:
    words = ["--resume=last", f"--url={job.url}", "--tasks=numbers"]
    return [str(job.environment / "bin" / "lms-harness"), "run", *words]


def _inspect(job: Job) -> list[str]:
    task = _program(job, "inspect_task.py")
    at_a_time = [f"--max-connections={job.concurrency}", f"--max-samples={job.concurrency}"]
    logs = ["--log-dir=logs", "--no-log-realtime", "--display=none", "--max-retries=0"]
    logs += ["--log-buffer=1"] if job.is_durable else []
    # A concurrency that it chooses by itself would not be the one that is compared.
    model = ["--adaptive-connections=false", f"--model=openai-api/bench/{job.model}", f"--model-base-url={job.url}/v1"]
    return [str(job.environment / "bin" / "inspect"), "eval", task, *model, *at_a_time, *logs]


def _inspect_resume(job: Job) -> list[str]:
    logs = sorted(str(path) for path in (job.folder / "logs").glob("*.eval"))
    words = ["--log-dir=logs", "--display=none", "--max-retries=0", f"--max-connections={job.concurrency}"]
    return [str(job.environment / "bin" / "inspect"), "eval-retry", *logs[-1:], *words]


def _lm_eval(job: Job) -> list[str]:
    task = json.loads((_PROGRAMS / "lm_eval_task.json").read_text())  # JSON is YAML.
    task["dataset_kwargs"] = {"data_files": {"test": str(job.folder / SAMPLES)}}
    (job.folder / "numbers.yaml").write_text(json.dumps(task))
    model = {
        "model": job.model,
        "base_url": f"{job.url}/v1/chat/completions",
        "num_concurrent": job.concurrency,
        "max_retries": 1,
        "tokenized_requests": False,
    }
    words = ["--model=local-chat-completions", f"--model_args={json.dumps(model)}", "--tasks=numbers"]
    outcome = ["--include_path=.", "--apply_chat_template", "--output_path=out", "--log_samples"]
    cache = ["--use_cache=cache"] if job.is_durable else []
    return [str(job.environment / "bin" / "lm_eval"), "run", *words, *outcome, *cache]


def _deepeval(job: Job) -> list[str]:
    return [_python(job), _program(job, "deepeval_job.py")]


def _promptfoo(job: Job) -> list[str]:
    shutil.move(job.folder / SAMPLES, job.folder / "rows.jsonl")
    rows = [json.loads(line) for line in (job.folder / "rows.jsonl").read_text().splitlines()]
    provider = {
        "id": f"openai:chat:{job.model}",
        "config": {"apiBaseUrl": f"{job.url}/v1", "apiKey": "none", "temperature": 0, "max_tokens": 64},
    }
    config = {
        "prompts": ["{{input}}"],
        "providers": [provider],
        "tests": [
            {"vars": {"input": row["input"]}, "assert": [{"type": "equals", "value": row["target"]}]} for row in rows
        ],
    }
    (job.folder / "promptfooconfig.json").write_text(json.dumps(config))
    words = ["eval", "-c", "promptfooconfig.json", "--no-cache", "--no-table", "--no-progress-bar", "-o", "out.json"]
    return [_promptfoo_at(job), *words, "-j", str(job.concurrency)]


def _promptfoo_resume(job: Job) -> list[str]:
    words = ["eval", "--resume", "--no-cache", "--no-table", "--no-progress-bar", "-j", str(job.concurrency)]
    return [_promptfoo_at(job), *words]


def _promptfoo_at(job: Job) -> str:
    return str(job.environment / "node_modules" / ".bin" / "promptfoo")


def _own_dependencies() -> tuple[str, ...]:
    with (CLONE / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    dependencies: list[str] = project["dependencies"]
    return tuple(dependencies)


RAW, THIS, PYTEST, EMPTY = "raw httpx", "lms-harness", "pytest", "empty pytest"

PEERS: tuple[Peer, ...] = (
    Peer(
        name=RAW,
        packages=(_HTTPX,),
        command=_httpx,
        how="one httpx client, a pool of as many threads as requests at a time, a line of JSON for each answer",
    ),
    Peer(
        name=THIS,
        packages=_own_dependencies(),
        installer="wheel",
        command=_harness,
        resume=_harness_resume,
        extra_requests=1,
        how="`lms-harness run --tasks` with an own task of two files, on a model that is loaded; streamed",
    ),
    Peer(
        name=EMPTY,
        packages=(_PYTEST,),
        command=_empty_pytest,
        asks=False,
        how="one test that does nothing, no plugins: what any pytest run costs",
    ),
    Peer(
        name=PYTEST,
        packages=(_PYTEST, _HTTPX, _XDIST),
        command=_pytest,
        how="a parametrised test with one httpx client; pytest-xdist with as many workers as requests at a time",
    ),
    Peer(
        name="pytest-evals",
        packages=("pytest-evals==0.3.4", _PYTEST, _HTTPX, _XDIST),
        command=_pytest_evals,
        how="`--run-eval`, one httpx client, pytest-xdist as above",
    ),
    Peer(
        name="inspect-ai",
        packages=("inspect-ai==0.3.285", "openai==3.57.0"),
        command=_inspect,
        resume=_inspect_resume,
        environ={"BENCH_API_KEY": "none"},
        how="`inspect eval`, generate and exact match; --no-log-realtime --display none, no retries, connections and "
        "samples fixed; --log-buffer 1 where it is killed",
    ),
    Peer(
        name="lm-eval",
        packages=("lm_eval[api]==0.4.13",),
        command=_lm_eval,
        resume=_lm_eval,
        environ={"OPENAI_API_KEY": "none"},
        how="`lm_eval run --model local-chat-completions`, an own task, --log_samples; --use_cache where it is killed",
    ),
    Peer(
        name="deepeval",
        packages=("deepeval==4.3.1", _HTTPX),
        command=_deepeval,
        how="answers by one httpx client and a pool of threads, then `evaluate` with exact match, as many at a time",
    ),
    Peer(
        name="promptfoo",
        packages=("promptfoo@0.120.27",),
        installer="npm",
        command=_promptfoo,
        resume=_promptfoo_resume,
        how="`promptfoo eval --no-cache -j`, equals; its own data base of results in the job's folder",
    ),
)

BY_NAME = {peer.name: peer for peer in PEERS}
