"""The client of LM Studio: its native v1 REST API, and the OpenAI-compatible routes for what that one lacks.

`http` is what others use. Below it, each of these knows one thing: `sse` the framing of event streams, `wire` the JSON
of answers, `request` the JSON of requests, `stream` the order of events, `fault` the error bodies, `transport` the
HTTP library, `line` and `exchange` how a request is broken off, `redaction` the token.
"""
