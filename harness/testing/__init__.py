"""Doubles for the tests of this project and of whoever builds on it: real sockets, scripted answers.

Here live a scripted LM Studio without models, a proxy that breaks connections on the way to any server, the faults that
both understand, a clock that a test moves, and a null server, against which a client's own cost shows. Checks of
requests and the wording of refusals live in `harness.serving`; nothing here runs a model or knows pytest. Start with
`scripted.ScriptedServer` and `fault`.
"""
