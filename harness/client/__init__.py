"""The client of LM Studio: its native v1 REST API, and the OpenAI-compatible routes for what the native API lacks.

Start with `http`, which the other rooms call. Each module below it knows one thing: `caller` how a request becomes an
answer, `deadline` how long that may take, `sse` the framing of event streams, `wire` the JSON of answers, `listing`
that of the models, `request` the JSON of requests, `stream` the order of events, `fault` the error bodies, `transport`
the HTTP library, `line` and `exchange` how a request is cancelled, `redaction` how the token stays out of messages. No
policy lives here: what to load and when to give up is decided above.
"""
