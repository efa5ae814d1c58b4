"""Run files: JSONL, appended and flushed line by line, read with a torn tail tolerated."""
