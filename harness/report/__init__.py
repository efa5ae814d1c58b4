"""What is printed: tables, plans, progress. From values to text that fits the terminal and is safe to show.

Nothing here computes a figure or reads a file by itself. All text from models and servers goes through `text`, every
table through `layout`, durations and sizes through `figure`. Start with `table`, the end of a run.
"""
