"""The composition root: settings -> client -> leases -> samples -> scores -> store."""
