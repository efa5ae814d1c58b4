"""Numbers of things as people read them: one of them is not "1 models"."""


def counted(number: int, thing: str, *, several: str | None = None) -> str:
    """Return a number with its noun: "1 model", "4 models", "1,200 samples"; `several` is an irregular plural."""
    return f"{number:,} {thing if number == 1 else several or f'{thing}s'}"
