"""`make bench-engine`: how much of llama.cpp's own speed reaches a client of the embedded server."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import click
from tabulate import tabulate

from harness import ChatRequest, Client, HarnessError, LoadConfig, keep_in_flight
from harness.clock import SystemClock
from harness.domain.model import InstanceId
from harness.embedded.catalogue import ModelFile
from harness.embedded.default_models import prepare
from harness.embedded.instance import worker_spec
from harness.embedded.process import EmbeddedServer
from harness.stats.latency import percentile_estimate
from harness.stats.throughput import Flight

ROOT = Path(__file__).resolve().parents[3]
CONTEXT_LENGTH, SLOTS = 4096, 4
TARGETS = {1: 0.95, SLOTS: 0.9}
LEGEND = """\
decode: output tokens from the last first token to the first last token of the answers in flight together, per second.
whole: all output tokens / time from the first request to the last token. engine: without a server, in a process with
the same settings; served: as the client sees it. Both answer the same requests in turns; ratio: median of the pairs,
with its 95 % interval (order statistics). Other work on the machine widens it, and spoils it where cores are few."""


Flights: TypeAlias = Sequence[Flight]


def decode(flights: Flights) -> float | None:
    """Return the output tokens per second while all of these requests were being answered; None: at no time."""
    begin, end = max(flight.deltas[0] for flight in flights), min(flight.deltas[-1] for flight in flights)
    return sum(flight.tokens_within(begin, end) for flight in flights) / (end - begin) if end > begin else None


def whole(flights: Flights) -> float | None:
    """Return all output tokens per second, from the first request to the last token."""
    took_s = max(flight.ended_at for flight in flights) - min(flight.sent_at for flight in flights)
    return sum(flight.output_tokens for flight in flights) / took_s


class Engine:
    """llama.cpp without a server around it.

    Attributes:
        own: the decode token/s of single requests by llama.cpp's own clock.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.own: list[float] = []

    def ask(self, bodies: Sequence[dict[str, Any]]) -> Flights:
        """Ask all of these at once."""
        answers = self._ask(bodies)
        self.own += [_own_tps(answer["timings"]) for answer in answers if len(answers) == 1]
        return [
            Flight(
                dispatched_at=answer["sent_at"],
                sent_at=answer["sent_at"],
                ended_at=answer["deltas"][-1],
                deltas=answer["deltas"],
                output_tokens=answer["timings"]["predicted_n"],
            )
            for answer in answers
        ]

    def _ask(self, line: object) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("both are pipes")
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        if not (answer := self._process.stdout.readline()):
            raise click.ClickException("llama.cpp ended: is there memory for the model twice?")
        return json.loads(answer)

    @classmethod
    @contextmanager
    def loaded(cls, file: ModelFile, config: LoadConfig) -> "Iterator[Engine]":
        """Hold one that has loaded a model as the embedded server's worker does."""
        with tempfile.TemporaryDirectory(prefix="lms-") as folder:
            spec = worker_spec(file, InstanceId(file.model.key), config, api_key="bench", folder=Path(folder))
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.engine.bare"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=ROOT,
            )
            try:
                engine = cls(process)
                engine._ask(spec)
                yield engine
            finally:
                process.kill()
                process.communicate()


class Served:
    """The same model in the embedded server, asked as the harness asks."""

    def __init__(self, client: Client, instance_id: str) -> None:
        self._client = client
        self._instance_id = instance_id

    def ask(self, bodies: Sequence[dict[str, Any]]) -> Flights:
        """Ask all of these at once."""
        requests = [
            ChatRequest(
                model=self._instance_id,
                system_prompt=body["messages"][0]["content"],
                input=body["messages"][1]["content"],
                temperature=body["temperature"],
                max_output_tokens=body["max_tokens"],
            )
            for body in bodies
        ]
        window, _ = keep_in_flight(self._client, requests, concurrency=len(requests), clock=SystemClock())
        return window.flights


def _own_tps(timings: dict[str, Any]) -> float:
    # Its own predicted_per_second counts the first token, but not the time that it took.
    return float((timings["predicted_n"] - 1) / timings["predicted_ms"] * 1000)


def bodies(number: int, *, count: int, tokens: int) -> list[dict[str, Any]]:
    """Return the requests of the n-th go, each with another beginning, so that none is answered from a cache."""
    return [
        {
            "messages": [
                {"role": "system", "content": f"Nonce: {1000 * number + each:06d}."},
                {"role": "user", "content": "Describe a walk through a small town by the sea, street by street."},
            ],
            "temperature": 0.0,
            "max_tokens": tokens,
        }
        for each in range(count)
    ]


def compare(engine: Engine, served: Served, *, count: int, pairs: int, tokens: int) -> list[tuple[Flights, Flights]]:
    """Return what both did, pair by pair; the first pair is discarded, and they take turns to begin."""
    found = []
    for number in range(1 + pairs):
        click.echo(f"\r{count} at once: pair {number} of {pairs} ", err=True, nl=number == pairs)
        asked = bodies(100 * count + number, count=count, tokens=tokens)
        if number % 2:
            direct = engine.ask(asked)
            found.append((direct, served.ask(asked)))
        else:
            through = served.ask(asked)
            found.append((engine.ask(asked), through))
    return found[1:]


def rows(count: int, found: Sequence[tuple[Flights, Flights]]) -> Iterator[list[str]]:
    """Yield the rows of the table for so many requests at once."""
    for measure in (decode, whole):
        both = [(measure(direct), measure(through)) for direct, through in found]
        pairs = [(direct, through) for direct, through in both if direct and through]
        ratio = percentile_estimate([through / direct for direct, through in pairs], 50)
        target = TARGETS.get(count) if measure is decode else None
        spread = f" [{ratio.interval.low:.2f}, {ratio.interval.high:.2f}]" if ratio.interval else ""
        yield [
            f"{count} at once, {measure.__name__}",
            str(len(pairs)),
            f"{median(direct for direct, _ in pairs):.1f}" if pairs else "n/a",
            f"{median(through for _, through in pairs):.1f}" if pairs else "n/a",
            "n/a" if ratio.value is None else f"{ratio.value:.3f}{spread}",
            "" if target is None else f">= {target:.2f}",
        ]


@click.command()
@click.option("--model", "key", default="smollm2-135m-instruct-q8_0", show_default=True, metavar="KEY")
@click.option("--pairs", type=click.IntRange(6), default=16, show_default=True, help="How often both answer; >= 6.")
@click.option("--tokens", type=click.IntRange(16), default=96, show_default=True, help="Output tokens an answer.")
def main(*, key: str, pairs: int, tokens: int) -> None:
    """Compare the embedded server with llama.cpp alone: the same requests, the same settings, in turns.

    The model is loaded twice. It takes a minute or two on an idle machine; keep other work off it.
    """
    files = {str(file.model.key): file for file in prepare(click.echo)}
    if key not in files or files[key].model.is_embedding:
        known = ", ".join(name for name, file in files.items() if not file.model.is_embedding)
        raise click.UsageError(f"--model: expected one of {known}; got {key!r}")
    click.echo(f"{key}, {SLOTS} slots, {pairs} pairs of {tokens} tokens; load average before: {_load()}")
    with EmbeddedServer.start(parallel=SLOTS) as server, Client(server.url) as client:
        loaded = client.load(key, LoadConfig(context_length=CONTEXT_LENGTH))
        # The answer to a load does not say how many slots there are; the listing does.
        (instance,) = (each for model in client.models() for each in model.loaded_instances)
        with Engine.loaded(files[key], instance.config) as engine:
            table = [
                row
                for count in TARGETS
                for row in rows(
                    count,
                    compare(engine, Served(client, loaded.instance_id), count=count, pairs=pairs, tokens=tokens),
                )
            ]
    headers = ["token/s", "pairs", "engine", "served", "served/engine [95 %]", "target"]
    click.echo(
        tabulate(table, headers=headers, disable_numparse=True, colalign=["left", *["right"] * 3, "left", "left"])
    )
    click.echo(
        f"\n{LEGEND}\nBy llama.cpp's own clock the engine decodes {median(engine.own):.1f} token/s, one at a time."
    )
    click.echo(f"Load average after: {_load()}")


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} of {os.cpu_count()} cores"


if __name__ == "__main__":
    try:
        main()
    except HarnessError as exc:
        raise SystemExit(str(exc)) from None
