"""How many instances the server keeps."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.client.fault import is_about_memory
from harness.embedded.catalogue import ModelFile
from harness.embedded.default_models import listing
from harness.embedded.pool import MOST_INSTANCES, Pool
from harness.serving.refusal import Refusal


def test_more_instances_than_the_limit_are_refused_as_lm_studio_refuses_for_memory() -> None:
    file = ModelFile(model=listing()[0], path=Path("weights.gguf"))
    pool = Pool([file], parallel=1)
    with ExitStack() as loads:
        ids = [loads.enter_context(pool.reserved(file)) for _ in range(MOST_INSTANCES)]
        assert len(set(ids)) == MOST_INSTANCES
        with pytest.raises(Refusal) as refused, pool.reserved(file):
            pass
        assert (refused.value.status, refused.value.type) == (500, "model_load_failed")
        assert is_about_memory(refused.value.message)
    with pool.reserved(file) as again:
        assert again == str(file.model.key)
