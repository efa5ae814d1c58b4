"""The items of classify, made from texts and a seed."""

from collections.abc import Sequence

from harness import Choice, Dice, Sample, Task

from . import text

SYSTEM = "You are a classifier. Answer with one label and nothing else."


def _review(dice: Dice, turn: int) -> tuple[str, str, list[str]]:
    # Alternating with a random start: balanced in every prefix, and not guessable from the number.
    label = ("positive", "negative")[(turn + turn // 2) % 2]
    return dice.pick(text.PRAISE if label == "positive" else text.BLAME), label, ["positive", "negative"]


def _ticket(dice: Dice, turn: int) -> tuple[str, str, list[str]]:
    label = list(text.TICKETS)[(turn + turn // 4) % len(text.TICKETS)]
    return dice.pick(text.TICKETS[label]), label, list(text.TICKETS)


def _intent(dice: Dice, turn: int) -> tuple[str, str, list[str]]:
    label = list(text.INTENTS)[(turn + turn // 6) % len(text.INTENTS)]
    return dice.pick(text.INTENTS[label]), label, list(text.INTENTS)


TIERS = (_review, _ticket, _intent)
KINDS = ("review", "ticket", "message")


def _sample(seed: int, index: int) -> Sample:
    tier = index % len(TIERS) + 1
    dice = Dice("classify", seed, index)
    turn = index // len(TIERS) + Dice("classify", seed, "start", tier).whole(0, 11)
    template, label, labels = TIERS[tier - 1](dice, turn)
    shown = dice.shuffled(labels)
    kind, body = KINDS[tier - 1], template.format(dice.pick(text.THINGS))
    labels_shown = f"{', '.join(shown[:-1])} or {shown[-1]}"
    return Sample(
        item_id=f"classify-{seed}-{index:04d}",
        # The text first and the question last: of nine forms tried on SmolLM2-135M (2026-11) only this one got easy
        # items right more often than chance; with "Label:" last it went on writing the text.
        prompt=f"{kind.capitalize()}: {body}\n\nChoose the label of the {kind}: {labels_shown}. "
        "Answer with the label only.",
        system_prompt=SYSTEM,
        target={"label": label, "labels": labels},
        tier=tier,
        cluster_id=template,
    )


def generate(seed: int, n: int) -> Sequence[Sample]:
    """Return the first n samples of the seed: easy, medium, hard in turn."""
    return [_sample(seed, index) for index in range(n)]


TASK = Task(
    name="classify",
    task_class="classify",
    generate=generate,
    scorer=Choice(),
    max_output_tokens=32,
    prompt_tokens=160,
    chance=(1 / 2 + 1 / 4 + 1 / 6) / 3,
    description="one label out of two, four or six",
)
