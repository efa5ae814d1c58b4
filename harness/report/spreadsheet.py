"""Foreign text in CSV: a spreadsheet shows it, and runs none of it."""

_RUN = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How a cell begins that a spreadsheet would run as a formula, also in full-width characters (OWASP, CSV Injection)."""


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: what could be one gets an apostrophe."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_RUN) else cell
