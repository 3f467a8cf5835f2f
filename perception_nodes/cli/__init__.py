"""The ``perception`` command; each command lives in a module that is imported only when called."""
