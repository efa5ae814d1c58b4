"""Files that outlive a process: run files (JSONL, flushed line by line), chat logs, stored conversations.

`writer` appends records, `reader` knows lines and torn tails, `run_file` is the one view of a run that everything else
works on, and `run_folder` knows which files of a folder belong together. `source` and `row` read what a user brings;
`spool` keeps values on the disk for as long as the process needs them.
Nothing here judges or prints. Start with `run_file`.
"""
