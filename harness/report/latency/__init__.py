"""Tables of what the latency suite measures in full, a module for each topic; `tables` puts them together.

They are made from a run file alone. What only an everyday run measures stands in `report/speed` and `report/table`.
"""
