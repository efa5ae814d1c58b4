"""Shipped doubles: real sockets, scripted answers."""
