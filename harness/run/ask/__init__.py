"""From a sample to its answer.

`job` lists what is asked, `request` builds the requests, `reasoning` and `room` decide how many tokens a request may
take, `attempt` retries, and `asker` asks one job and scores the answer: start there. A failed request becomes the
outcome of its sample, never an exception.
"""
