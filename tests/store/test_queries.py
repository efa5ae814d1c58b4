"""docs/queries.md: its statements run, and say what the harness says."""

import re
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from harness.domain.record import ScoreRecord
from harness.store.cell import CellKey
from harness.store.run_file import RunFile
from tests.store.written import write
from tests.verdict.recorded import KEY, OTHER, cell, head, instance, passes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "queries.md"
PLAN = {"models": [KEY, OTHER], "tasks": {"say": "f"}}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[Any, ...]]]:
    """The rows of each query, over two nights, a resumed run, a torn file and one that is not ours."""
    duckdb = pytest.importorskip("duckdb", reason="needs duckdb: pip install 'lmstudio-harness[query]'")
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    uses = instance(KEY, load_time_s=2.0), instance(OTHER, size_bytes=1_500_000_000, load_time_s=1.0)
    later = "2026-11-26T08:00:00.000Z"
    late = ScoreRecord(run_id="r1", at=later, sample_uid=f"{KEY}-say-0", scorer="exact", scorer_version="1", value=0.0)
    first = [*cell([*passes(30)[:-1], None]), *cell(passes(0), key=OTHER)]
    write(results / "r1.jsonl", [head("r1", plan=PLAN), *uses, *first, late])
    second = [record.model_copy(update={"run_id": "r2"}) for record in cell(passes(20))]
    path = write(results / "r2.jsonl", [head("r2", parent_run_id="r0"), *second])
    path.write_bytes(path.read_bytes() + b'{"kind":"sample","sch')
    write(results / "r0.jsonl", [head("r0"), *(record.model_copy(update={"run_id": "r0"}) for record in second)])
    (results / "foreign.jsonl").write_text('not JSON at all\n{"kind": 7}\n')
    connection = duckdb.connect()
    statements = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found = [connection.execute(statement).fetchall() for statement in statements]
    connection.close()
    return found[2:]


def test_the_queries_say_what_the_harness_says(asked: list[list[tuple[Any, ...]]]) -> None:
    nights, items, quantisations = asked
    seen = RunFile.read(Path("results/r1.jsonl"))
    values = [value for _, value in seen.cells[CellKey(KEY, "say")].values(seen.scorer("say")) if value is not None]
    score = round(fmean(values), 3)
    assert nights == [
        (KEY, "say", "r1", 39, score, None),
        (KEY, "say", "r2", 40, 0.5, round(0.5 - fmean(values), 3)),
        (OTHER, "say", "r1", 40, 0.0, None),
    ]
    assert items[0] == ("say", "i30", 2, 3, 0.0)
    assert len(items) == 20
    assert [row[:5] for row in quantisations] == [(KEY, "Q8_0", 0.0, 2.0, 79), (OTHER, "Q8_0", 1.5, 1.0, 40)]
