"""How long loading takes, how fast it answers: one request at a time, and with all slots busy."""
