"""Receivers that harm the process: the command still answers, with the right code."""

import pytest

from tests.cli.program import Driver

HARM = {
    "no standard output": "sys.stdout = None",
    "another standard output": "sys.stdout = open(os.devnull, 'w')",
    "a closed standard error": "sys.stderr.close()",
    "file 1 is closed": "os.close(1)",
    "file 2 is closed": "os.close(2)",
    "no environment": "os.environ.clear()",
    "another folder": "os.chdir('/')",
    "a value that exits": "return type('Odd', (), {'__repr__': lambda odd: sys.exit(4)})()",
}
RECEIVER = """
@receiver(post_save, sender=User)
def harmful(**kwargs):
    {}
"""


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM.keys())
def test_a_harmed_process_answers(driver: Driver, harm: str) -> None:
    program = driver(RECEIVER.format(harm))
    done = program("register", "ada", "--email", "ada@mail.com")
    assert (done.code, done.err) == (0, "")
    assert done.lines[-1].startswith("Registered ada")
    done = program("register", "eve", "--email", "eve@mail.com", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document["result"]["username"] == "eve"


@pytest.mark.parametrize(
    "raised",
    [
        "sys.exit(3)",
        "raise GeneratorExit",
        "raise BaseException('odd')",
        "raise type('Odd', (Exception,), {'__str__': lambda odd: sys.exit(7)})()",
        "raise ValueError('\\udc80')",
    ],
)
def test_whatever_a_receiver_raises_is_its_failure(driver: Driver, raised: str) -> None:
    program = driver(RECEIVER.format(raised))
    before = program.rows()
    done = program("register", "ada", "--email", "ada@mail.com")
    assert done.code == 1
    assert "harmful failed on post_save of User" in done.error
    assert done.error.endswith("; nothing was written")
    assert program.rows() == before
