"""Continues an unfinished run: `resume` decides what is taken over, `difference` what makes that impossible.

Nothing is rewritten: the resumed run gets a file of its own.
"""
