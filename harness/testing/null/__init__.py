"""A null server: LM Studio's API in a process of its own, which answers at once, or after a fixed time in a slot.

What a client costs shows against a server that costs nearly nothing. Here live the handle (`server`), the process
(`process`) with its connections (`connection`), its slots and counts (`slots`), and chats answered without detours
(`answer`); all that is rare is answered by the code of the scripted server. Start with `server.NullServer`.
"""
