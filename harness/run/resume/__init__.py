"""Continues an unfinished run.

`resume` decides what is taken over: start there. `difference` says why the answers of the earlier run cannot be used.
Nothing is rewritten: the resumed run gets a file of its own (adr-0004).
"""
