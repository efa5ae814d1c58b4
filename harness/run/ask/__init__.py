"""From a sample to its answer: `job` (what), `request` (how), `attempt` (retries), `room` (context per request).

Start with `asker`, which asks one job and scores what came back. Errors become the outcome, never an exception.
"""
