"""Shipped doubles, for the tests of this project and of whoever builds on it: real sockets, scripted answers.

`scripted.ScriptedServer` is an LM Studio without models, `download` what it can download, `fault` what can go wrong
with it; `proxy.FaultProxy` lets things go wrong on the way to any server; `clock.FakeClock` is moved by hand.
"""
