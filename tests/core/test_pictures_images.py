"""Which files are taken for images."""

import random
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from signalcli.core.pictures import checked_image
from signalcli.errors import InvalidValue
from tests.core import picture_files as files

Make = Callable[[Path], Path]

REFUSED: dict[str, tuple[Make, str]] = {
    "nothing": (lambda path: path, "cannot be read: No such file"),
    "folder": (files.folder, "is a folder"),
    "fifo": (files.fifo, "not a regular file"),
    "device": (lambda path: Path("/dev/zero"), "not a regular file"),
    "link to a device": (lambda path: (path.symlink_to("/dev/zero"), path)[1], "not a regular"),
    "no path": (lambda path: Path("a\0b"), "cannot be read"),
    "empty": (lambda path: files.text(path, ""), "not a PNG, JPEG, GIF or WebP image"),
    "text": (lambda path: files.text(path, "hello"), "not a PNG, JPEG, GIF or WebP image"),
    "SVG": (lambda path: files.text(path, "<svg xmlns='x'/>"), "not a PNG"),
    "EPS": (lambda path: files.text(path, "%!PS-Adobe-3.0 EPSF-3.0\n"), "not a PNG"),
    "PDF": (lambda path: files.text(path, "%PDF-1.7\n"), "not a PNG"),
    "BMP": (lambda path: files.image_file(path, "BMP"), "not a PNG"),
    "TIFF": (lambda path: files.image_file(path, "TIFF"), "not a PNG"),
    "11 MB": (lambda path: files.large(path, 11), "more than 10 MB"),
    "100 GB": (lambda path: files.large(path, 100_000), "more than 10 MB"),
    "81 million pixels": (lambda path: files.bomb(path, 9000), "more than 50 million pixels"),
    "400 million pixels": (lambda path: files.bomb(path, 20000), "more than 50 million pixels"),
    "PNG without its end": (lambda path: files.cut(files.image_file(path), 40), "is damaged"),
    "JPEG without its end": (
        lambda path: files.cut(files.image_file(path, "JPEG"), 40),
        "is damaged",
    ),
    "GIF without its end": (
        lambda path: files.cut(files.image_file(path, "GIF", frames=3), 400),
        "is damaged",
    ),
    "WebP without its end": (
        lambda path: files.cut(files.image_file(path, "WEBP"), 10),
        "is damaged",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_whole_image_of_a_common_format_is_refused(tmp_path: Path, what: str) -> None:
    make, reason = REFUSED[what]
    path = make(tmp_path / "picture.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidValue, match=reason) as refused:
            checked_image(path)
    assert "\n" not in str(refused.value)
    assert repr(str(path)).strip("'")[:20] in str(refused.value)


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("form", files.FORMATS)
def test_an_image_is_taken_byte_for_byte_whatever_its_file_is_called(
    tmp_path: Path, form: str, frames: int
) -> None:
    path = files.image_file(tmp_path / "holiday.txt", form, frames=1 if form == "JPEG" else frames)
    image = checked_image(path)
    assert image.content == path.read_bytes()
    assert image.extension == files.FORMATS[form]
    assert repr(image) == f"Image(extension='{image.extension}')"


def test_a_link_to_an_image_is_one(tmp_path: Path) -> None:
    target = files.image_file(tmp_path / "target")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert checked_image(link).content == target.read_bytes()


def test_a_file_of_just_10_mb_is_taken(tmp_path: Path) -> None:
    path = files.large(tmp_path / "large", 10)
    assert len(checked_image(path).content) == 10_000_000


def test_the_frames_of_an_animation_count_together(tmp_path: Path) -> None:
    frames = [PillowImage.new("P", (4000, 4000), number) for number in range(4)]
    path = tmp_path / "frames.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert path.stat().st_size < 1_000_000
    with pytest.raises(InvalidValue, match="more than 50 million pixels"):
        checked_image(path)


def test_an_animation_has_at_most_1000_frames(tmp_path: Path) -> None:
    frames = [PillowImage.new("L", (1, 1), 255 * (number % 2)) for number in range(1001)]
    path = tmp_path / "frames.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    with pytest.raises(InvalidValue, match="more than 1000 frames"):
        checked_image(path)


def _bytes_of(form: str) -> bytes:
    stream = BytesIO()
    PillowImage.effect_noise((16, 16), 60).convert("RGB").save(stream, form)
    return stream.getvalue()


WHOLE = {form: _bytes_of(form) for form in files.FORMATS}


@settings(deadline=None, max_examples=150)
@given(
    form=st.sampled_from(sorted(files.FORMATS)),
    seed=st.integers(0, 2**32),
    changes=st.integers(0, 30),
    length=st.floats(0, 1),
)
def test_whatever_is_wrong_with_the_bytes_it_is_one_line(
    tmp_path_factory: pytest.TempPathFactory, form: str, seed: int, changes: int, length: float
) -> None:
    content = bytearray(WHOLE[form])
    chance = random.Random(seed)
    for _ in range(changes):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(content[: round(length * len(content))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            image = checked_image(path)
        except InvalidValue as error:
            said = str(error)
        else:
            said = ""
            assert image.content == path.read_bytes()
    assert "\n" not in said
