"""The rules for image files."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from signalcli.core.errors import InvalidValue, abridged

MOST_BYTES = 10 * 1000 * 1000
MOST_PIXELS = 50 * 1000 * 1000
MOST_FRAMES = 1000

# What Pillow calls the formats (an MPO is a JPEG with more than one image, as some cameras write).
_EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "GIF": "gif", "WEBP": "webp"}
EXTENSIONS = tuple(sorted(set(_EXTENSIONS.values())))
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_NAMES = "PNG, JPEG, GIF or WebP"


@dataclass(frozen=True, slots=True)
class Image:
    """An image that has been checked.

    Attributes:
        content: the bytes of its file, all of them.
        extension: what files of its format end in, one of :data:`EXTENSIONS`.
    """

    content: bytes = field(repr=False)
    extension: str


def checked_image(path: Path) -> Image:
    """The image in a file, which is read once.

    Arguments:
        path: the file.

    Raises:
        InvalidValue: it is no file, cannot be read, has more than 10 MB, is no whole image in one
            of the formats PNG, JPEG, GIF and WebP, or unpacks to more than 50 million pixels or
            1000 frames; or Pillow, which knows, is not installed.
    """
    name = abridged(str(path))
    content = _read(path, name)
    return Image(content, _EXTENSIONS[_format_of(content, name)])


def _read(path: Path, name: str) -> bytes:
    """The content of a file, unless it is large."""
    try:
        # Looked at before it is opened, since opening alone can wait, or make a device act.
        _refuse_other_than_file(path.stat(), name)
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            status = os.fstat(file.fileno())
            _refuse_other_than_file(status, name)
            # It may be growing, or one of those files of the system that do not know their size.
            content = b"" if status.st_size > MOST_BYTES else file.read(MOST_BYTES + 1)
            if max(status.st_size, len(content)) > MOST_BYTES:
                raise InvalidValue(
                    f"the picture {name} has more than {MOST_BYTES // 10**6} MB; make it smaller"
                )
            return content
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidValue(f"the picture {name} cannot be read: {reason}") from error


_FLAGS = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
)


def _refuse_other_than_file(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InvalidValue(f"the picture {name} is a folder; name a file in it")
    if not stat.S_ISREG(status.st_mode):
        raise InvalidValue(f"the picture {name} is not a regular file; name one")


def _format_of(content: bytes, name: str) -> str:
    """What Pillow calls the format of an image that it can decode."""
    try:
        import PIL.Image
    except ImportError as error:
        raise InvalidValue(
            f"the picture {name} cannot be checked without Pillow: "
            "pip install 'signalcli[pictures]'"
        ) from error
    try:
        with _opened(content) as image:
            found = str(image.format)
            if image.width * image.height > MOST_PIXELS:
                raise _too_many_pixels(name)
            image.verify()
        # What has been verified is of no more use.
        with _opened(content) as image:
            _decode(image, name)
    except InvalidValue:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise _too_many_pixels(name) from error
    except PIL.UnidentifiedImageError as error:
        raise InvalidValue(f"the picture {name} is not a {_NAMES} image") from error
    except Exception as error:
        # Decoders raise all kinds of things about what is damaged.
        raise InvalidValue(f"the picture {name} is damaged: {_reason(error)}") from error
    return found


@contextmanager
def _opened(content: bytes) -> Iterator[Any]:
    """The image, with nothing said on standard error about how well it is made."""
    import warnings

    import PIL.Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with PIL.Image.open(BytesIO(content), formats=_FORMATS) as image:
            yield image


def _decode(image: Any, name: str) -> None:
    """Decode an image to the end, frame by frame where it is animated."""
    frame = pixels = 0
    while True:
        try:
            image.seek(frame)
        except EOFError:
            return
        frame += 1
        pixels += image.width * image.height
        if pixels > MOST_PIXELS:
            raise _too_many_pixels(name)
        if frame > MOST_FRAMES:
            raise InvalidValue(
                f"the picture {name} has more than {MOST_FRAMES} frames; make it shorter"
            )
        image.load()


def _too_many_pixels(name: str) -> InvalidValue:
    return InvalidValue(
        f"the picture {name} has more than {MOST_PIXELS // 10**6} million pixels; make it smaller"
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
