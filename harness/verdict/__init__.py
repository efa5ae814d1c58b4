"""From records to claims (the summary of a cell, comparisons with a reference and with floors) and to an
answer per task: `evidence` gathers the `contender`s from run files, `choose` decides among them on a `board`.

Pure functions over records and answers; the statistics themselves are in `harness.stats`, the wording and tables in
`harness.report`. Start with `comparison` for claims and with `choose` for answers.
"""
