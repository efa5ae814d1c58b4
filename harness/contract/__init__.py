"""LM Studio's documented behaviours as checks, for every server that claims to be one.

Here live the checks, what they work with, and the report for people; use cases without a contract to check live in
`harness.command`. The same checks run on the scripted double, the embedded server and a live LM Studio, so that none of
them drifts: `tests/contract` runs them as tests, `lms-harness live` as a report (docs/live.md). Start with `check`.
"""

from harness.contract import chat, listing, load, openai
from harness.contract.check import Check

CHECKS: tuple[Check, ...] = (*listing.CHECKS, *load.CHECKS, *chat.CHECKS, *openai.CHECKS)
"""All checks, in an order that needs few loads."""
