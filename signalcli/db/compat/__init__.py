"""All that is used of SQLAlchemy and SQLModel beyond what they document: here and nowhere else.

Each use says what would break if it changed; ``tests/db/test_db_compat*.py`` hold its assumed
shape, so that a new version which changes one fails there first.

- ``work``: the moment between the plan of a flush and its writing.
- ``states``: what a session has pending, and what is known of an instance.
- ``transactions``: the flush that goes before a commit.
- ``models``: mappers, initializers, instrumented collections.
"""
