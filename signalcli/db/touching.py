"""Saving what has not changed."""

from typing import Any

from sqlalchemy import Column, inspect
from sqlalchemy.orm.attributes import flag_modified

from signalcli.db.columns import changed_columns


def touch(instance: Any) -> None:
    """Have the next flush save an instance even if no column of it changed.

    Django's ``instance.save()`` always writes a row and sends its signals; a session only writes
    what changed. After ``touch`` it writes all columns but the primary key, as Django does. An
    instance that is new, or has changed columns, is saved anyway and left alone.
    """
    state = inspect(instance)
    if not state.persistent or changed_columns(instance):
        return
    for attribute in state.mapper.column_attrs:
        if _is_writable(attribute.columns[0]):
            # What is not loaded cannot be written; reading it loads it.
            getattr(instance, attribute.key)
            flag_modified(instance, attribute.key)


def _is_writable(column: Any) -> bool:
    """Whether an attribute's column is one that an update may set."""
    return isinstance(column, Column) and not column.primary_key and column.computed is None
