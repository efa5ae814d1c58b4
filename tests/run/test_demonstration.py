"""What is said of the embedded server's own models is true of those that the run asks."""

from harness.embedded.default_models import listing
from harness.run.demonstration import notes

CHAT = next(model for model in listing() if model.is_chat)
AVERAGED, EMBEDDER = (model for model in listing(with_embedder=True) if model.is_embedding)


def test_the_note_on_quantisations_is_about_chat_models_alone() -> None:
    (chat,) = notes("embedded", [CHAT])
    assert "in three quantisations" in chat
    (averaged,) = notes("embedded", [AVERAGED])
    assert averaged.startswith(f"this is a demonstration. {AVERAGED.key} averages what a small chat network computes")
    assert "quantisations" not in averaged
    assert notes("embedded", [CHAT, AVERAGED, CHAT]) == [chat, averaged]


def test_a_real_embedding_model_and_other_servers_are_no_demonstration() -> None:
    assert notes("embedded", [EMBEDDER]) == []
    assert notes("lm-studio", [CHAT, AVERAGED]) == []
