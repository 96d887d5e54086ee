"""Another app, whose model has the name of one of the first app's."""

from sqlmodel import Field

from tests.objects.app import Base


class Place(Base, table=True):
    __tablename__ = "objects_twin_place"

    id: int | None = Field(default=None, primary_key=True)
