"""The note about an instance whose context has another length than requested."""


def context_note(key: str, *, requested: int | None, effective: int | None, is_owned: bool) -> str | None:
    """Return a sentence about the difference, without a full stop; None where there is none to report.

    LM Studio changes the length silently (its bug #1902). A resident instance that is reused may have a larger context.
    """
    if requested is None or effective is None or requested == effective or (effective > requested and not is_owned):
        return None
    compared = "fewer" if effective < requested else "more"
    return f"{key} was loaded with a context of {effective} tokens, {compared} than the {requested} requested"
