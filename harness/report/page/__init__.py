"""One offline page of runs: who takes which task, why, and every sample behind it.

`content` says what a page holds. `matrix`, `figure` and `explorer` make its parts from runs and answers; `render` makes
the HTML from `page.html`, `page.css` and the scripts, and `markdown` the text for a pull request. Start with `content`.
"""
