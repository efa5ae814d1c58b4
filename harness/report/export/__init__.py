"""A run for other programs: `csv_table` for spreadsheets, `every_eval_ever` for collections of results.

Both leave out what nothing is claimed of: the score of a cell in which more than 5 % of the answers were lost.
"""
