"""What an LM Studio-compatible server says and refuses, for both servers of this project.

Here live the strict checks of request bodies, LM Studio's refusals in its own words, and the bodies of its answers. The
engines do not: `harness.embedded` runs real models, `harness.testing` follows a script, and neither may be imported
here. Only `domain` and the standard library are, so that a scripted server starts quickly. Start with `body`.
"""
