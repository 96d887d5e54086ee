"""Users and their profiles."""

from datetime import UTC, datetime
from typing import Any

from pydantic import field_validator
from sqlalchemy import DateTime, inspect
from sqlmodel import Field, Relationship, SQLModel

from signalcli.core.hashes import Hash, HashColumn, checked_hash

LONGEST_USERNAME = 150
LONGEST_EMAIL = 254
LONGEST_NAME = 20
DEFAULT_PICTURE = "x"

_REQUEST = "signalcli.core.profile"


def now() -> datetime:
    """The present in UTC, without a time zone, as the database keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class User(SQLModel, table=True):
    """Somebody who registered."""

    __tablename__ = "core_user"
    model_config = {"hide_input_in_errors": True}

    id: int | None = Field(default=None, primary_key=True)
    username: str = Field(max_length=LONGEST_USERNAME, unique=True)
    email: str = Field(max_length=LONGEST_EMAIL)
    date_joined: datetime = Field(default_factory=now, sa_type=DateTime)
    # Left out of what describes or dumps a user. None: they have none.
    password: str | None = Field(default=None, sa_type=HashColumn, repr=False, exclude=True)
    last_login: datetime | None = Field(default=None, sa_type=DateTime)

    profile: "Profile" = Relationship(
        back_populates="user", cascade_delete=True, sa_relationship_kwargs={"uselist": False}
    )

    @field_validator("password")
    @classmethod
    def _take_no_other_text(cls, password: str | None) -> Hash | None:
        return None if password is None else checked_hash(password)

    def __str__(self) -> str:
        return self.username

    def request_profile(self, **values: str) -> None:
        """Ask the receivers of the next save to give the profile these values."""
        inspect(self).info[_REQUEST] = values

    def take_profile_request(self) -> dict[str, Any]:
        """What was asked for the profile; nothing more when asked again."""
        request: dict[str, Any] = inspect(self).info.pop(_REQUEST, {})
        return request


class Profile(SQLModel, table=True):
    """What a user shows of themselves; made and kept by the receivers of the user's signals."""

    __tablename__ = "core_profile"

    id: int | None = Field(default=None, primary_key=True)
    user_id: int | None = Field(
        default=None, foreign_key="core_user.id", ondelete="CASCADE", unique=True, nullable=False
    )
    first_name: str = Field(default="", max_length=LONGEST_NAME)
    last_name: str = Field(default="", max_length=LONGEST_NAME)
    profile_pic: str = Field(default=DEFAULT_PICTURE)

    user: User = Relationship(back_populates="profile")

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()
