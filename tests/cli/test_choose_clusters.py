"""`choose` on answers about items that share clusters."""

from pathlib import Path

from harness.domain.record import SampleRecord
from tests.store.written import write
from tests.verdict.recorded import cell, head, instance, passes

from .conftest import Call


def test_what_is_claimed_of_clustered_items_is_no_more_than_their_clusters_show(call: Call, tmp_path: Path) -> None:
    """37 of 40 certify a floor of 0.8; as answers about four documents they do not even make it likely."""
    records = cell(passes(37))
    clustered = [
        record.model_copy(update={"cluster_id": record.item_id[:-1]}) if isinstance(record, SampleRecord) else record
        for record in records
    ]
    found = {}
    for name, answers in (("alone", records), ("shared", clustered)):
        path = write(tmp_path / f"{name}.jsonl", [head(), instance(), *answers])
        (found[name],) = call("choose", str(path), "--json").json["tasks"]
    alone, shared = found["alone"], found["shared"]
    assert (alone["answer"], alone["is_certified"]) == ("model", True)
    assert (shared["answer"], shared["is_certified"]) == ("open", False)
    assert shared["models"][0]["suffices"] < 0.9 < alone["models"][0]["suffices"]
    assert shared["items_to_settle"] > 40
