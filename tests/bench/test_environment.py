"""The peers' environments: whole, or made again, and for one race at a time.

npm is a script on the path that leaves half an installation and waits, so that the installer can be killed in between.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench import environment
from tests.bench.peer import Peer

PEER = Peer(name="a peer", packages=("some@1",), installer="npm", command=lambda job: [], how="in no way")
CLONE = Path(__file__).parents[2]
INSTALLER = (
    "import sys; from pathlib import Path; from tests.bench import environment; "
    "from tests.bench.test_environment import PEER\n"
    "with environment.locked(Path(sys.argv[1])) as lock:\n"
    "    environment.install(PEER, print, lock, Path(sys.argv[1]))\n"
)
NPM = '#!/bin/sh\necho $$ > "$3/half"\nwhile [ -e "{wait}" ]; do sleep 0.02; done\nmv "$3/half" "$3/whole"\n'


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the script on the path; return the file that it waits for to vanish."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "npm"
    program.write_text(NPM.format(wait=tmp_path / "wait"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path / "wait"


def install(folder: Path, peer: Peer = PEER) -> list[str]:
    """Install in this process; return what was said."""
    said: list[str] = []
    with environment.locked(folder) as lock:
        assert environment.install(peer, said.append, lock, folder) is None
    return said


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_installation_that_was_killed_half_way_is_made_again_once_its_installer_has_ended(
    tmp_path: Path, npm: Path
) -> None:
    npm.touch()
    folder, half = tmp_path / "bench", tmp_path / "bench" / "a-peer" / "half"
    with subprocess.Popen(
        [sys.executable, "-P", "-c", INSTALLER, str(folder)], env=os.environ | {"PYTHONPATH": str(CLONE)}
    ) as first:
        wait_for(lambda: half.exists() and half.read_text() != "")
        with pytest.raises(environment.BusyError, match=f"process {first.pid}"):
            install(folder)
        first.kill()
    with pytest.raises(environment.BusyError, match="an installation that it began"):
        install(folder)
    os.kill(int(half.read_text()), signal.SIGKILL)
    npm.unlink()
    wait_for(lambda: is_free(folder))
    assert install(folder) == [f"a peer: installing some@1 into {folder / 'a-peer'} ..."]
    assert (folder / "a-peer" / "whole").exists()
    assert install(folder) == []


def is_free(folder: Path) -> bool:
    try:
        with environment.locked(folder):
            return True
    except environment.BusyError:
        return False


def test_what_was_installed_for_another_python_or_from_other_packages_is_made_again(tmp_path: Path, npm: Path) -> None:
    assert install(tmp_path)
    mark = tmp_path / "a-peer" / ".installed"
    mark.write_text(mark.read_text().replace(f"{sys.version_info.major}.", "2."))
    assert install(tmp_path)
    assert install(tmp_path, Peer(name="a peer", packages=("some@2",), installer="npm", command=PEER.command, how=""))


def test_a_failed_installation_is_not_taken_for_a_whole_one(tmp_path: Path, npm: Path) -> None:
    program = tmp_path / "bin" / "npm"
    works = program.read_text()
    program.write_text("#!/bin/sh\necho ERROR: no network >&2; exit 1\n")
    with environment.locked(tmp_path) as lock:
        failed = environment.install(PEER, print, lock, tmp_path)
    assert failed == environment.NotInstalled(name="a peer", reason="ERROR: no network")
    program.write_text(works)
    assert install(tmp_path)
