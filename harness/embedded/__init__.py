"""A real LM Studio-compatible server on llama.cpp, for machines without LM Studio.

Each loaded instance is a process of its own (`worker`), so that its memory is back after an unload and a crash takes no
other instance along. What requests may say and how refusals are worded is not decided here but in `harness.serving`.
Start with `app` (the routes) and `pool` (the instances); `process` starts the server for a run, `serve` in the
foreground. Nothing here knows pytest or click.
"""
