"""The agent that lives in a container, and the channel that talks to it.

`frames`, `kernel`, `scrub`, `gauges`, `program`, `zygote` and `agent` run inside
the container with the standard library of Python 3.8 or newer and nothing else.
`handover` and `channel` are the host's end.
"""
