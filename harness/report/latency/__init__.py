"""What a run says of times: a module for each topic, with its definitions beside its figures.

`waiting` is what every run ends with: the three things that a person waits for. The others are tables of what the
latency suite measures in full; `tables` puts them together. All are made from a run file alone. What only an everyday
run measures stands in `report/speed` and `report/table`.
"""
