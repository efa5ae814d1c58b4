"""The items of rewrite, made from templates and a seed."""

from harness import Constraints, Task, Tiers

from . import easy, hard, medium

TASK = Task(
    name="rewrite",
    task_class="rewrite",
    generate=Tiers(
        name="rewrite",
        easy=(easy.swap, easy.placeholder, easy.capitals, easy.greeting),
        medium=(
            medium.past,
            medium.first_person,
            medium.bullets,
            medium.without,
            medium.formal,
            medium.iso_date,
        ),
        hard=(hard.report, hard.shorten, hard.plain, hard.third_person),
    ),
    scorer=Constraints(needs_all=True),
    max_output_tokens=120,
    prompt_tokens=260,
    description="a text with other words, tense, person, tone, format or length; its facts and placeholders kept",
)
