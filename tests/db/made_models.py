"""Models made on the spot, each test's under a label of its own."""

import itertools
from typing import Any

from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

_numbers = itertools.count(1)


def new_label() -> str:
    """A label that no model has had before."""
    return f"made{next(_numbers)}"


def new_base() -> Any:
    """A base of models with a registry and tables of their own."""
    return type(SQLModel)("Base", (SQLModel,), {"__module__": __name__}, registry=registry())


def make_model(
    label: str, name: str = "Order", base: Any = None, **attributes: Any
) -> type[SQLModel]:
    """A model of an app, with a number and a title.

    Arguments:
        label: the app's label, the name of its package as well.
        name: the model's own name.
        base: its base class; by default a new one, since no two of its models have one table.
        attributes: what the class has besides.
    """
    namespace = {
        "__module__": f"{label}.models",
        "__qualname__": name,
        "__tablename__": f"{label}_{name}".lower(),
        "__annotations__": {"id": int | None, "title": str},
        "id": Field(default=None, primary_key=True),
        "title": "",
        **attributes,
    }
    model: type[SQLModel] = type(SQLModel)(name, (base or new_base(),), namespace, table=True)
    return model
