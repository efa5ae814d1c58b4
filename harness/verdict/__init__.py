"""From records to claims: the summary of a cell, comparisons with a reference and with floors, the race.

Pure functions over records and answers; the statistics themselves are in `harness.stats`, the wording and tables in
`harness.report`. Start with `comparison`.
"""
