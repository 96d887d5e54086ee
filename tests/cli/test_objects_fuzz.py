"""Whatever is asked of objects, the answer is no internal fault."""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import processes
from tests.cli.program import Forked
from tests.cli.shop import copied

REQUESTS = 400
# A command line has no NUL in it, but bytes that are no characters.
argument = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
broken = st.binary(max_size=4).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"")))
any_argument = argument | broken | st.sampled_from(["Product", "Tag", "1", "new", "--", "stock=1"])


def test_requests_to_the_library(shop: Forked) -> None:
    command = [sys.executable, "-m", "tests.cli.objects_fuzzing", shop.folder, REQUESTS]
    done = processes.run(command, cwd=processes.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sampled_from(["create", "change", "remove", "get"]),
    st.sampled_from(["Product", "Customer", "Tag", "Line"]) | any_argument,
    st.lists(any_argument | st.tuples(argument, broken).map("=".join), max_size=3),
)
def test_command_lines(
    empty_shop: Forked, stocked_folder: Path, command: str, model: str, words: list[str]
) -> None:
    shop = copied(empty_shop, stocked_folder)
    done = shop(command, model, *words, "--no-log")
    assert done.code in (0, 1, 2, 3, 4)
    assert done.code == 0 or done.error
    assert "Traceback" not in done.err
