"""Samples as a person reads them: what was sent, what came back, what was wanted, and what that scored."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.domain.count import counted
from harness.domain.record import PromptRecord, SampleRecord, ScoreRecord
from harness.domain.sample import canonical_json
from harness.report.figure import seconds
from harness.report.layout import paragraph
from harness.report.text import one_line, printable
from harness.store.cell import SampleEntry
from harness.store.run_file import RunFile

LONGEST = 2000
"""Characters of each text that are shown."""
_LONGEST_NAME = 60
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSample:
    """Everything that a run recorded of one sample.

    Attributes:
        sample: with the answer.
        score: by the task's own scorer; None: it has none.
        prompt: None: it was not recorded.
        why_no_prompt: what is known of the reason.
    """

    sample: SampleRecord
    score: ScoreRecord | None
    prompt: PromptRecord | None
    why_no_prompt: str = ""

    @classmethod
    def of(cls, run: RunFile, entry: SampleEntry) -> "ShownSample":
        """Return what a run file holds of a sample.

        Raises:
            StoreError: the file cannot be read any more, or has changed.
        """
        sample, score = run.sample_record(entry), run.score(entry)
        return cls(
            sample=sample,
            score=None if score is None else run.score_record(score),
            prompt=run.prompt(sample),
            why_no_prompt="the run had --no-prompts" if run.run.settings.get("no_prompts") else "",
        )


def render_samples(samples: Sequence[ShownSample], *, total: int, width: int | None) -> str:
    """Return a block of lines for each sample.

    Args:
        samples: in the order shown; a prompt that is the same as that before is not repeated.
        total: how many there are, of which these are the first.
        width: of the terminal, in columns; None: unlimited.
    """
    blocks, before = [], None
    for number, shown in enumerate(samples, 1):
        # Where there are turns, the answers to them differ.
        is_repeated = shown.prompt is not None and shown.sample.prompt_hash == before and not shown.sample.turns
        blocks.append("\n".join(_lines(shown, f"{number}/{total}", is_repeated=is_repeated, width=width)))
        before = shown.sample.prompt_hash
    return "\n\n".join(blocks)


def images_in_words(prompt: PromptRecord, sample: SampleRecord) -> list[str]:
    """Return what is recorded of each image; after the last one what the task says of them, in the tag `image`."""
    found = [f"{image.get('bytes')} bytes, SHA-256 {image.get('sha256')}" for image in prompt.images]
    described = sample.tags.get("image")
    if found and isinstance(described, str) and described.strip():
        found[-1] += f": {described.strip()}"
    return found


def _lines(shown: ShownSample, number: str, *, is_repeated: bool, width: int | None) -> Iterator[str]:
    sample = shown.sample
    names = (sample.item_id, sample.task, sample.model_key)
    head = [number, *(one_line(name, limit=_LONGEST_NAME) for name in names)]
    if sample.epoch > 1:
        head.append(f"epoch {sample.epoch}")
    yield paragraph("  ".join(head), width, indent=4)
    if is_repeated:
        yield "  prompt  as above"
    else:
        for name, text in _prompt(shown):
            yield from _text(name, text, width)
    if sample.reasoning_text:
        yield from _text("thoughts", sample.reasoning_text, width)
    yield from _text("answer", sample.output_text, width)
    yield from _text("target", _target(sample), width)
    for name, value in (("score", _score(shown)), ("error", sample.error or ""), ("times", _times(sample))):
        if value:
            yield paragraph(f"  {name}  {one_line(value, limit=_LONGEST_REASON)}", width, indent=9)


def _prompt(shown: ShownSample) -> Iterator[tuple[str, str]]:
    """Yield who said what before the answer, in order."""
    prompt, answers = shown.prompt, [turn.get("output_text") for turn in shown.sample.turns]
    if prompt is None:
        yield "prompt", f"not recorded{shown.why_no_prompt and ': '}{shown.why_no_prompt}"
        return
    if prompt.system_prompt is not None:
        yield "system prompt", prompt.system_prompt
    for number, turn in enumerate(prompt.turns, 1):
        yield f"turn {number}", turn
        if number <= len(answers):
            yield f"answer to turn {number}", str(answers[number - 1])
    is_branch = prompt.continues not in {None, len(prompt.turns)}  # Later turns are not part of the conversation.
    yield f"prompt, after turn {prompt.continues}" if is_branch else "prompt", prompt.prompt
    for tool in prompt.tools:
        yield "function", canonical_json(tool)
    for image in images_in_words(prompt, shown.sample):
        yield "image", image


def _text(name: str, text: str, width: int | None) -> Iterator[str]:
    """Yield a text under its name, or beside it where it is short."""
    lines = printable(_cut(text) if text.strip() else "(empty)").strip("\n").split("\n")
    label = f"  {name}  "
    if len(lines) == 1 and (width is None or len(label) + len(lines[0]) <= width):
        yield label + lines[0]
        return
    yield f"  {name}"
    for line in lines:
        yield paragraph(f"    {line}".rstrip(), width, indent=4)


def _cut(text: str) -> str:
    """Return a text without its middle where it is long: the question of a long prompt stands at its end."""
    if len(text) <= LONGEST:
        return text
    end = LONGEST // 3
    left_out = len(text) - LONGEST
    return f"{text[: LONGEST - end]}\n[… {left_out:,} characters left out; --json has them …]\n{text[-end:]}"


def _target(sample: SampleRecord) -> str:
    return sample.target if isinstance(sample.target, str) else json.dumps(sample.target, ensure_ascii=False)


def _score(shown: ShownSample) -> str:
    sample, score = shown.sample, shown.score
    outcome = "" if sample.outcome == "ok" else f", {sample.outcome}"
    if score is None or score.value is None:
        return f"none{outcome}{_reason(score, sample)}"
    passed = {True: ", passed", False: ", not passed", None: ""}[score.passed]
    return f"{score.value:.2f}{passed}{outcome}{_reason(score, sample)}"


def _reason(score: ScoreRecord | None, sample: SampleRecord) -> str:
    reason = "not judged" if score is None else score.reason
    return f": {reason}" if reason and reason != sample.outcome else ""


def _times(sample: SampleRecord) -> str:
    figures = [
        (name, sample.times.get(field)) for name, field in (("first token", "ttft_s"), ("whole answer", "e2e_s"))
    ]
    parts = [f"{name} {seconds(value)}" for name, value in figures if value is not None]
    if (tokens := sample.usage.get("total_output_tokens")) is not None:
        parts.append(counted(tokens, "token"))
    if sample.attempts > 1:
        parts.append(f"{sample.attempts} attempts")
    return ", ".join(parts)
