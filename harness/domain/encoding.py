"""Text from bytes that a user gives: what is not UTF-8 is named with its place, never replaced."""

_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def not_utf8(data: bytes, fault: UnicodeDecodeError, *, line: int = 1) -> str:
    """Return where bytes are not UTF-8: the line, the byte in it, and the line's beginning as far as it can be read.

    Args:
        data: what was decoded.
        fault: what came of it.
        line: number of the line with which `data` begins.
    """
    before = data[: fault.start]
    begins = before.rfind(b"\n") + 1
    readable = before[begins:].decode("utf-8", "replace")[-20:]
    after = f", after {readable!r}" if readable.strip() else ""
    number = line + before.count(b"\n")
    place = f"line {number}, byte {fault.start - begins + 1}"
    looks = next((f"; it looks like {name}" for mark, name in _MARKS.items() if data.startswith(mark)), "")
    return f"it is not UTF-8: {place} is 0x{data[fault.start]:02x}{after}{looks}"


CONVERT_HINT = "Expected text in UTF-8: convert other encodings with iconv."
