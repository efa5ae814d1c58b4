"""The documented behaviours of LM Studio as checks, for every server that says it is one.

One set of checks for the scripted double, the embedded server and a live LM Studio, so that none of them drifts:
`tests/contract` runs them as tests, `python -m harness.contract URL` as a report (docs/live.md).
"""

from harness.contract import chat, listing, load, openai
from harness.contract.check import Check

CHECKS: tuple[Check, ...] = (*listing.CHECKS, *load.CHECKS, *chat.CHECKS, *openai.CHECKS)
"""All of them, in an order that loads seldom."""
