"""Files for the tests of profile pictures: images of all kinds, and what only looks like one."""

import os
from pathlib import Path
from typing import Any

from PIL import Image

FORMATS = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp"}


def image_file(path: Path, form: str = "PNG", colour: str = "red", frames: int = 1) -> Path:
    """A small image; other colours give other bytes."""
    first = Image.new("RGB", (32, 24), colour)
    more: dict[str, Any] = {}
    if frames > 1:
        # Random dots, since frames that are alike are stored as one.
        others = [Image.effect_noise((32, 24), 80).convert("RGB") for _ in range(frames - 1)]
        more = {"save_all": True, "append_images": others}
    first.save(path, form, **more)
    return path


def cut(path: Path, left_out: int) -> Path:
    """The same file without its last bytes."""
    path.write_bytes(path.read_bytes()[:-left_out])
    return path


def bomb(path: Path, side: int) -> Path:
    """A file of a few kilobytes that unpacks to a square of many pixels."""
    Image.new("1", (side, side)).save(path, "PNG")
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def large(path: Path, megabytes: int) -> Path:
    """An image with much after its end, as a file with holes that takes no room."""
    image_file(path)
    os.truncate(path, megabytes * 1000 * 1000)
    return path
