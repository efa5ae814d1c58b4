"""Shipped doubles, for the tests of this project and of whoever builds on it: real sockets, scripted answers.

`scripted.ScriptedServer` is an LM Studio without models, `download` what it can download, `fault` what can go wrong
with it, `clock.FakeClock` a clock that is moved by hand.
"""
