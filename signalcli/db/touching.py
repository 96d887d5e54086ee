"""Saving what has not changed."""

from typing import Any

from sqlalchemy import Column, inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import flag_modified

from signalcli.db.causes import note_change
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
    note_change(instance)
    for attribute in state.mapper.column_attrs:
        if _is_writable(state.mapper, attribute.columns[0]):
            # What is not loaded cannot be written; reading it loads it.
            getattr(instance, attribute.key)
            flag_modified(instance, attribute.key)


def _is_writable(mapper: Mapper[Any], column: Any) -> bool:
    """Whether an attribute's column is one that an update sets, and nobody else does."""
    return (
        isinstance(column, Column)
        and not column.primary_key
        and column.computed is None
        and column.onupdate is None
        and column.server_onupdate is None
        and column is not mapper.version_id_col
        and column is not mapper.polymorphic_on
    )
