"""The REPL: what people type and what becomes of it, apart from how it is drawn.

`shell.py` takes what was entered, `commands.py` knows the `%` commands, and both talk to the
protocols of `console.py`. The prompt-toolkit front end is in `terminal/`, the one without
any drawing in `plain.py`; the dashboard's pane stands on the same shell.
"""
