"""inspect-ai: generate, then exact match."""

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import exact
from inspect_ai.solver import generate


@task
def numbers() -> Task:
    """Ask every sample, and compare the answer with its target."""
    config = GenerateConfig(temperature=0, max_tokens=64)
    return Task(dataset=json_dataset("samples.jsonl"), solver=generate(), scorer=exact(), config=config)
