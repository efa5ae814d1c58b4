"""What a worker is sent for a chat on OpenAI's route."""

from pathlib import Path
from typing import Any

import pytest

from harness.domain.model import Model, ModelKey
from harness.embedded.catalogue import ModelFile
from harness.embedded.openai import body_for


@pytest.mark.parametrize(
    ("reasons", "effort", "added"),
    [
        (True, "none", {"chat_template_kwargs": {"enable_thinking": False}}),
        (True, "low", {"chat_template_kwargs": {"enable_thinking": True}}),
        (True, None, {}),
        (False, "none", {}),
    ],
)
def test_an_effort_switches_thinking_where_the_template_can(*, reasons: bool, effort: str | None, added: Any) -> None:
    file = ModelFile(model=Model(key=ModelKey("a"), type="llm"), path=Path("a.gguf"), reasons_by_template=reasons)
    given = {"messages": [], **({"reasoning_effort": effort} if effort else {})}
    assert body_for(file, {"model": "a:2", **given}) == {**given, **added}
