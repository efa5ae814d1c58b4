"""The converted all-MiniLM-L6-v2 is the one that its authors publish, and better than a chat model's mean."""

import os
from pathlib import Path

import pytest

from harness.domain.record import SummaryRecord
from harness.embedded.catalogue import ModelFile
from harness.embedded.default_models import cache_dir, prepare
from harness.run.ask.embedding import cosine
from harness.store.reader import read_run
from tests import forkserver

from .engine import embedded

pytestmark = pytest.mark.embedded
EMBEDDER, MEAN = "text-embedding-all-minilm-l6-v2", "text-embedding-smollm2-135m-instruct"
FETCH = f"lms-harness run --url embedded --model {EMBEDDER} --task similarity --limit 1"

# From the documentation of sentence-transformers: README.md, and examples/sentence_transformer/applications/
# semantic_textual_similarity. They were computed in F32.
PUBLISHED = {
    ("The weather is lovely today.", "It's so sunny outside!"): 0.6660,
    ("The weather is lovely today.", "He drove to the stadium."): 0.1046,
    ("It's so sunny outside!", "He drove to the stadium."): 0.1411,
    ("The new movie is awesome", "The dog plays in the garden"): 0.0543,
    ("The new movie is awesome", "The new movie is so great"): 0.8939,
    ("The new movie is awesome", "A woman watches TV"): -0.0502,
    ("The cat sits outside", "The dog plays in the garden"): 0.2838,
    ("The cat sits outside", "The new movie is so great"): -0.0029,
    ("The cat sits outside", "A woman watches TV"): 0.1310,
    ("A man is playing guitar", "The dog plays in the garden"): 0.2277,
    ("A man is playing guitar", "The new movie is so great"): -0.0136,
    ("A man is playing guitar", "A woman watches TV"): -0.0327,
}


@pytest.fixture
def embedder() -> ModelFile:
    pytest.importorskip("xllamacpp", reason="needs xllamacpp: pip install 'lmstudio-harness[embedded]'")
    if not (cache_dir() / "all-minilm-l6-v2-f16.gguf").exists():
        pytest.skip(f"needs all-MiniLM-L6-v2 in the cache (91 MB are fetched): {FETCH}")
    return prepare(lambda _: None, with_embedder=True)[-1]


def test_its_similarities_are_those_that_its_authors_publish(embedder: ModelFile) -> None:
    texts = list(dict.fromkeys(text for pair in PUBLISHED for text in pair))
    vectors = dict(zip(texts, embedded(embedder, texts), strict=True))
    found = {pair: cosine(vectors[pair[0]], vectors[pair[1]]) for pair in PUBLISHED}
    assert found == pytest.approx(PUBLISHED, abs=0.001)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_it_ranks_above_the_mean_of_a_chat_models_tokens_in_every_task(tmp_path: Path) -> None:
    """Several minutes: the other one takes seconds for an item of twenty texts. Fetches the model if need be."""
    words = ("run", "--url=embedded", f"--model={EMBEDDER}", f"--model={MEAN}", "--suite=offload", "--limit=30")
    environ = {**os.environ, "LMS_HARNESS_STATE": str(tmp_path / "state"), "LMS_HARNESS_THREADS": "2"}
    done = forkserver.run("harness.cli", *words, cwd=tmp_path, env=environ, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = (tmp_path / "results").glob("*.jsonl")
    scores = {(cell.task, cell.model_key): cell.score for cell in read_run(path) if isinstance(cell, SummaryRecord)}
    tasks = {task for task, _ in scores}
    assert tasks == {"nearest-label", "retrieval", "similarity"}
    for task in tasks:
        better, worse = scores[task, EMBEDDER], scores[task, MEAN]
        assert better is not None
        assert worse is not None
        assert better > worse + 0.1, task
