"""Promises about any bytes whatever, and programs that look for bytes that break them.

Each target is a module with ``check(data)``, which raises AssertionError, or anything that is no
answer to bad input, where a promise is broken; and with ``seeds()``, bytes to begin with.

    python -m tests.fuzz frames --seconds 60    coverage-guided, by atheris

What was found is kept as a file in ``found/TARGET``; each run of the tests tries it again. The
``corpus`` beside it has what it takes to reach every branch.
"""
