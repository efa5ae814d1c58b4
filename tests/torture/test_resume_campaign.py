"""The campaign of killed and resumed runs, in small: `make torture-resume` runs the large one."""

from pathlib import Path

import pytest

from harness.domain.record import Record
from harness.store.reader import read_run
from harness.testing.scripted import ScriptedServer
from tests.torture.resume_campaign import Campaign, CampaignFailed, campaign, result


@pytest.mark.timeout(400)
def test_killed_and_resumed_runs_end_as_a_whole_one(tmp_path: Path) -> None:
    tally = campaign(3, seed=5, folder=tmp_path)
    assert tally.kills == 3
    assert tally.chains >= 1
    assert tally.resumed >= 1
    assert tally.carried > 0


@pytest.mark.timeout(200)
def test_the_campaign_notices_a_server_that_answers_otherwise(tmp_path: Path) -> None:
    answers = iter(range(10_000))
    with ScriptedServer(parallel=2) as server:
        server.reply_with(lambda _: f"the {next(answers)}th")
        with pytest.raises(CampaignFailed, match="missing"):
            Campaign(tmp_path, url=server.url, seed=0).run(1)


def test_a_sample_that_is_recorded_twice_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    line = (
        '{"kind":"sample","schema":"lms-harness/1","run_id":"r","at":"t","sample_uid":"u","task":"t","task_class":"t",'
        '"item_id":"i","item_hash":"h","model_key":"m","instance_id":"m","prompt_hash":"p","outcome":"ok"}\n'
    )
    path.write_text(line * 2)
    records: list[Record] = list(read_run(path))
    with pytest.raises(CampaignFailed, match="twice"):
        result(records)
