"""What type checkers are told of the public names: mypy reads these modules, nobody runs them.

A wrong use carries ``type: ignore`` with the error that it has to be. mypy reports the comment as
unused where that error is missing.
"""
