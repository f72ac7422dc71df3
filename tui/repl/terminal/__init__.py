"""The REPL in a terminal, drawn with prompt-toolkit."""
