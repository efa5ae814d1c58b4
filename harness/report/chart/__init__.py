"""Charts as SVG, made in Python: from figures that were computed elsewhere to markup that may stand in a page as it is.

`pareto`, `duration`, `long_context` and `history` each draw one kind; a `Chart` also has a text alternative and a data
table. Every chart is drawn twice, wide and narrow, and `chart.css` shows the one that fits: text keeps its size. Only
`svg` writes markup. Start with `pareto`.
"""
