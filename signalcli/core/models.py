"""Users and their profiles."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any

from pydantic import PlainSerializer, field_validator
from sqlalchemy import DateTime
from sqlmodel import Field, Relationship, SQLModel

from signalcli.core.passwords import Hash, HashColumn, checked_hash
from signalcli.core.values import LONGEST_EMAIL, LONGEST_NAME, LONGEST_USERNAME

DEFAULT_PICTURE = "x"


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
    # Left out of what describes or dumps a user. None: the user has no password.
    password: str | None = Field(default=None, sa_type=HashColumn, repr=False, exclude=True)
    last_login: datetime | None = Field(default=None, sa_type=DateTime)

    profile: "Profile" = Relationship(
        back_populates="user", cascade_delete=True, sa_relationship_kwargs={"uselist": False}
    )

    @cached_property
    def for_profile(self) -> dict[str, Any]:
        """The values that a command gives for the profile. No column: the receivers take them."""
        return {}

    @property
    def has_password(self) -> bool:
        """Whether the user has a password."""
        return self.password is not None

    @field_validator("password")
    @classmethod
    def _take_no_other_text(cls, password: str | None) -> Hash | None:
        return None if password is None else checked_hash(password)

    def __str__(self) -> str:
        return self.username


class Profile(SQLModel, table=True):
    """The names and the picture of a user; the receivers of the user's signals write it."""

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


Moment = Annotated[
    datetime,
    PlainSerializer(lambda moment: f"{moment.isoformat(timespec='seconds')}Z", when_used="json"),
]


class ProfilePublic(SQLModel):
    """A profile as it is shown."""

    first_name: str = ""
    last_name: str = ""
    profile_pic: str = DEFAULT_PICTURE


class UserPublic(SQLModel):
    """A user with the profile, as both are shown: of the password, only whether there is one."""

    username: str
    email: str
    date_joined: Moment
    last_login: Moment | None
    has_password: bool
    profile: ProfilePublic
