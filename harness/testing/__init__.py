"""Shipped doubles, for the tests of this project and of whoever builds on it: real sockets, scripted answers.

`scripted.ScriptedServer` is an LM Studio without models, `fault` what can go wrong with it. `proxy.FaultProxy` stands
in front of any server, `proxy_fault` is what can go wrong on the way. `clock.FakeClock` is moved by hand.
"""
