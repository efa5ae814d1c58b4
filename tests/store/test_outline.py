"""The outline of a run file."""

from pathlib import Path

from harness.domain.record import EndRecord, PromptRecord
from harness.store.outline import read_outline
from harness.store.run_file import RunFile
from tests.store.written import write
from tests.verdict.recorded import AT, cell, head, instance


def test_an_outline_is_the_view_without_samples_scores_and_prompts(tmp_path: Path) -> None:
    prompt = PromptRecord(run_id="r1", at=AT, prompt_hash="p", prompt="Say it")
    end = EndRecord(run_id="r1", at=AT, exit_code=0, duration_s=1.0, samples=2)
    path = write(tmp_path / "r1.jsonl", [head(), instance(), prompt, *cell([1, 0]), end])
    spaced = tmp_path / "spaced.jsonl"  # As another program writes it.
    spaced.write_text(path.read_text().replace('"kind":', ' "kind" : '))
    for file in (path, spaced):
        outline, whole = read_outline(file), RunFile.read(file)
        assert (outline.header, outline.uses, outline.summaries, outline.end) == (
            whole.header,
            whole.uses,
            whole.summaries,
            whole.end,
        )
        assert (outline.cells, len(whole.cells)) == ({}, 1)
