"""Looks at a real server: every check, the smoke suite, and whether what others had loaded is still there."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from harness import child
from harness.clock import SystemClock, timestamp
from harness.contract import CHECKS
from harness.contract.bench import Bench, Witness, chosen
from harness.contract.check import ContractFinding, State, look
from harness.contract.report import Report
from harness.domain.model import LoadConfig, Model, ModelKey
from harness.errors import HarnessError
from harness.lifecycle.leases import Leases
from harness.lifecycle.resident import resident_ids
from harness.reaper.journal import Journal, state_dir
from harness.reaper.sweep import sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found out, and what broke it off: an error or a Ctrl-C, to be raised once the report is out."""

    report: Report
    run_id: str
    broken_off_by: BaseException | None = None


class Inspector:
    """Inspects servers; what it loads, it unloads.

    Args:
        token: of the server.
        results: where the smoke suite writes its run file.
        with_smoke: whether to run the smoke suite as well.
        is_quiet: whether to drop the output of the smoke suite, which otherwise goes to standard error.
        say: gets a line for each step.
    """

    def __init__(
        self, *, token: str, results: Path, with_smoke: bool, is_quiet: bool, say: Callable[[str], None]
    ) -> None:
        self._token = token
        self._results = results
        self._with_smoke = with_smoke
        self._is_quiet = is_quiet
        self._say = say

    def inspect(self, url: str, model: str | None) -> Inspection:
        """Inspect the server at this address, with this chat model or the smallest one that is not loaded.

        Raises:
            HarnessError: the server cannot be used, or there is no such model. Later errors are in the `Inspection`.
        """
        clock = SystemClock()
        began = clock.now()
        run_id = f"contract-{began:%Y%m%dT%H%M%SZ}-{os.getpid()}"
        findings: list[ContractFinding] = []
        smoke_exit_code: int | None = None
        failure: BaseException | None = None
        with Witness(url, token=self._token) as client:
            client.preflight()
            # An instance that a dead run left would count as another program's, and keep checks from running.
            for swept in sweep(
                state_dir() / "journals", url=client.url, token=self._token, clock=clock, on_complaint=self._say
            ):
                self._say(str(swept))
            before = client.models()
            key = chosen(before, model)
            self._say(f"{client.url}: using {key}; what is loaded stays: {_names(before)}")
            try:
                findings.extend(self._checked(client, key, run_id))
                if self._with_smoke:
                    smoke_exit_code = self._smoke(client.url, key)
            except (HarnessError, KeyboardInterrupt) as exc:
                failure = exc
            with contextlib.suppress(HarnessError):
                findings.append(untouched(before, client.models()))
            report = Report(
                url=client.url,
                server=client.server_kind,
                model=key,
                at=timestamp(began),
                harness_version=_version(),
                findings=findings,
                is_complete=failure is None,
                smoke_exit_code=smoke_exit_code,
            )
        return Inspection(report=report, run_id=run_id, broken_off_by=failure)

    def _checked(self, client: Witness, key: ModelKey, run_id: str) -> Iterator[ContractFinding]:
        """Yield what each check finds; whatever was loaded for them is released in the end."""
        clock = SystemClock()
        journal = Journal(run_id, url=client.url, clock=clock)
        leases = Leases(client, journal, say=self._say, clock=clock)
        bench = Bench(client, leases, key=key, token=self._token, clock=clock)
        try:
            with _released(bench):
                for number, check in enumerate(CHECKS, 1):
                    finding = look(check, bench)
                    self._say(f"{number:2}/{len(CHECKS)} {finding.name}: {finding.state}")
                    yield finding
        finally:
            leases.close()

    def _smoke(self, url: str, key: str) -> int:
        """Run the smoke suite on the model and return its exit code; a Ctrl-C is passed on, and the suite releases."""
        words = ["run", "--suite", "smoke", "--url", url, "--model", key, "--results", str(self._results.absolute())]
        with subprocess.Popen(  # noqa: S603  (our own command)
            child.command("harness.cli", *words),
            env={**child.environment(), "LM_API_TOKEN": self._token},
            stdout=subprocess.DEVNULL if self._is_quiet else sys.stderr,
            stderr=subprocess.DEVNULL if self._is_quiet else None,
            # In a session of its own the suite gets each Ctrl-C once: from us.
            start_new_session=True,
        ) as suite:
            is_interrupted = False
            while True:
                try:
                    code = suite.wait()
                    break
                except KeyboardInterrupt:
                    if not is_interrupted:
                        suite.send_signal(signal.SIGINT)
                    is_interrupted = True
        if is_interrupted:
            raise KeyboardInterrupt
        return code


def untouched(before: tuple[Model, ...], after: tuple[Model, ...]) -> ContractFinding:
    """Return whether all instances of `before` are in `after` with the same config, and no other instance is."""
    was, now = _residents(before), _residents(after)
    gone = [instance_id for instance_id in was if instance_id not in now]
    changed = [instance_id for instance_id in was if instance_id in now and was[instance_id] != now[instance_id]]
    came = [instance_id for instance_id in now if instance_id not in was]
    changes = {"gone": gone, "another config": changed, "new, and not known to be ours": came}
    seen = "; ".join(f"{what}: {', '.join(ids)}" for what, ids in changes.items() if ids)
    state: State = "did not hold" if gone or changed else "could not be checked" if came else "held"
    return ContractFinding(
        name="foreign_instances_untouched",
        documented="Our own promise: what was loaded before is loaded afterwards, with the same config.",
        state=state,
        observed=f"{seen} (by us, or by another client)" if seen else f"as before: {_names(after)}",
    )


@contextlib.contextmanager
def _released(bench: Bench) -> Iterator[None]:
    """Release whatever the checks hold at the end; a Ctrl-C during the release takes effect after it."""
    try:
        yield
    finally:
        heard: list[int] = []
        default = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
        try:
            bench.clear()
        finally:
            signal.signal(signal.SIGINT, default)
        if heard:
            raise KeyboardInterrupt


def _residents(listing: tuple[Model, ...]) -> dict[str, LoadConfig]:
    return {instance.id: instance.config for model in listing for instance in model.loaded_instances}


def _names(listing: tuple[Model, ...]) -> str:
    return ", ".join(resident_ids(listing)) or "nothing"


def _version() -> str:
    try:
        return metadata.version("lmstudio-harness")
    except metadata.PackageNotFoundError:
        return "unknown"
