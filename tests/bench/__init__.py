"""The race: what a job costs with this project and with its peers, against a server that costs nearly nothing.

Here live the peers and their programs (`peer`, `peers`, `program/`), an environment for each (`environment`), the watch
over a process (`process`), the measurements (`race`, `kill`, `growth`), and what is made of them (`figure`, `table`,
`target`). docs/benchmark.md has the definitions. Nothing of it is in the wheel, and a benchmark is never a test. Start
with `__main__.py`.
"""
