"""A reaper in a thread: what would be lost in a process's standard error fails a test here."""

from pathlib import Path

from harness.clock import SystemClock
from harness.reaper.journal import Journal
from harness.reaper.link import ReaperLink
from harness.testing.reaper import in_thread
from harness.testing.scripted import ScriptedServer


def test_a_lease_whose_journal_the_run_has_removed_is_released(server: ScriptedServer, tmp_path: Path) -> None:
    journal = Journal("run", url=server.url, clock=SystemClock(), directory=tmp_path / "journals")
    link = ReaperLink(journal, token="", launch=in_thread(SystemClock()))
    link.start()
    journal.path.unlink()
    ending = link.undo(1, within_s=5.0)
    link.close()
    assert ending is not None
    assert ending.how == "released"
