"""Pooldeck's command line and terminal dashboard, on top of `engine`."""
