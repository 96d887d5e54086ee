"""The only modules that use names of SQLAlchemy and SQLModel which those do not document.

Each use says what would break if the name changed. ``tests/db/test_compat*.py`` hold the shape
that is assumed of each, so that a new version that changes one fails there first.

- ``work``: the moment between the plan of a flush and its writing.
- ``states``: the pending changes of a session, and the state of an instance.
- ``transactions``: the flush before a commit.
- ``models``: mappers, initializers, instrumented collections.
"""
