"""The lessons of the tour, in their order.

A lesson begins with a database in which ada is registered. Its question is about its first command.
What it claims is held against the trace of what ran: nothing is shown that did not happen.
"""

from dataclasses import replace
from difflib import get_close_matches

from signalcli.errors import NotFound
from signalcli.tour.lesson import Change, Lesson, Step

_IN_ORDER = (
    Lesson(
        name="signal",
        title="What a signal is",
        text=(
            "A signal is an announcement: something has happened. Whoever sends it does not know "
            "who listens. A receiver is a function that was connected to the signal, and is "
            "called each time it is sent.",
            "signalcli has Django's signals without the web site around them. The database of "
            "this lesson knows one user, ada. `notify` sends the signal `notification` for ada, "
            "and does nothing else.",
        ),
        question='"Hello ada" is going to be printed. Who prints it?',
        choices=("The command notify.", "A receiver of notification.", "The database."),
        answer=2,
        steps=(
            Step(
                "notify ada",
                (
                    "The arrow leads from the signal to its receiver, show_notification. What "
                    "that printed stands under it. The command has only sent the signal.",
                    "The rows that begin with `unheard` name signals that were sent, too, and "
                    "that nobody listens to. That is quite usual.",
                ),
                lambda ran: "Hello ada" in ran.output_of("show_notification"),
            ),
        ),
    ),
    Lesson(
        name="sender",
        title="Sender and receiver",
        text=(
            "post_save is sent after a row was written, whatever the model. The sender says which "
            "model it was. A receiver may ask for one sender, as in Django.",
            "mine.py is yours. It is listed in signalcli.toml, as an app is in Django's "
            "INSTALLED_APPS:",
        ),
        program="mine.py",
        question="create saves a User, and a receiver then saves a Profile. How often is tally "
        "called?",
        choices=("Once.", "Twice.", "Never."),
        answer=1,
        steps=(
            Step(
                "create User username=bob email=bob@example.com",
                (
                    "post_save from User reached it. post_save from Profile did not: you find it "
                    "below create_profile, among the unheard signals that this set off.",
                ),
                lambda ran: ran.calls("tally") == 1,
            ),
            Step(
                "create User username=bob email=bob@example.com",
                ("Without a sender, tally hears of every model, also of the Profile.",),
                lambda ran: ran.calls("tally") == 2,
                lead="Now change mine.py: take `, sender=User` out, so that tally hears of every "
                "sender.",
                change=Change(
                    "@receiver(post_save, sender=User)",
                    "@receiver(post_save)",
                    by_hand=True,
                    receiver="tally",
                ),
            ),
        ),
    ),
    Lesson(
        name="created",
        title="New or changed: created",
        text=(
            "post_save is sent for a new row and for a changed one alike. The argument `created` "
            "says which it was.",
            "The demo app has two receivers of post_save from User. create_profile begins with "
            "`if created:` and makes a profile. update_profile begins with `if not created:` and "
            "saves the profile.",
        ),
        question="ada is no new user. Which of the two receivers is called?",
        choices=("update_profile alone.", "create_profile alone.", "Both."),
        answer=3,
        steps=(
            Step(
                "update ada --first-name Ada",
                (
                    "A signal calls every receiver that is connected to it. Whether there is "
                    "anything to do, the receiver has to find out: create_profile saw that "
                    "created is False, and returned at once.",
                    "Django has no other signal for new rows either. A receiver that forgets to "
                    "look at `created` does its work again at each save.",
                ),
                lambda ran: (
                    ran.calls("create_profile") == ran.calls("update_profile") == 1
                    and not ran.output_of("create_profile")
                    and ran.argument("post_save", "User", "created") is False
                ),
            ),
        ),
    ),
    Lesson(
        name="causes",
        title="Who caused what",
        text=(
            "A receiver may send signals of its own, or save rows, which sends some. The trace "
            "hangs each signal on the receiver that caused it.",
        ),
        program="welcome.py",
        shown=("welcome", "count"),
        question="A User is created, for which create_profile makes a Profile. Where will the "
        "signal welcomed hang?",
        choices=(
            "On welcome, which hangs below create_profile.",
            "On nothing: it stands at the left edge.",
            "On update_profile.",
        ),
        answer=1,
        steps=(
            Step(
                "create User username=bob email=bob@example.com",
                (
                    "Read it from the inside: welcomed was sent by welcome, which heard of a "
                    "Profile, which create_profile had made.",
                ),
                lambda ran: ran.causes_of("welcomed") == ["welcome", "create_profile"],
            ),
        ),
    ),
    Lesson(
        name="order",
        title="In which order",
        text=(
            "Several receivers may listen to one signal. These two are connected in three lines:",
        ),
        program="order.py",
        question="In which order are they called?",
        choices=("Anna, Zoe.", "Zoe, Anna, Zoe.", "Zoe, Anna."),
        answer=3,
        steps=(
            Step(
                "notify ada",
                (
                    "Receivers are called in the order in which they were connected; "
                    "show_notification is first: its app was imported to get the signal. "
                    "Connecting a receiver again changes nothing: it is connected once.",
                    "It is the same in Django. Still, where one receiver needs the other, write "
                    "one receiver that calls both.",
                ),
                lambda ran: (
                    ran.receivers_of("notification") == ["show_notification", "zoe", "anna"]
                ),
            ),
        ),
    ),
    Lesson(
        name="weak",
        title="Receivers that vanish",
        text=(
            "Being connected keeps no receiver alive: a signal has a weak reference to it, as in "
            "Django. A function of a module is kept by its module. But greet is made inside "
            "another function:",
        ),
        program="forgetful.py",
        question="Which receivers are called?",
        choices=("show_notification and greet.", "show_notification alone.", "None; it fails."),
        answer=2,
        steps=(
            Step(
                "notify ada",
                (
                    "When connect_greeter had returned, nobody knew greet any more, and Python "
                    "removed it. Nothing failed: the receiver is just gone. The warning above "
                    "names the line that connected it.",
                ),
                lambda ran: ran.receivers_of("notification") == ["show_notification"],
            ),
            Step(
                "notify ada",
                (
                    "weak=False makes the signal keep its receiver. In Django, too. A function at "
                    "the top of a module does not need it.",
                ),
                lambda ran: ran.receivers_of("notification") == ["show_notification", "greet"],
                lead="The remedy is one argument.",
                change=Change(
                    "notification.connect(greet)", "notification.connect(greet, weak=False)"
                ),
            ),
        ),
    ),
    Lesson(
        name="robust",
        title="send and send_robust",
        text=(
            "A receiver may raise an exception. These two are connected after show_notification, "
            "and `notify` sends with signal.send(...):",
        ),
        program="broken.py",
        question="What becomes of archive?",
        choices=(
            "It is called; the exception is reported at the end.",
            "It is called before the others.",
            "It is not called.",
        ),
        answer=3,
        steps=(
            Step(
                "notify ada",
                (
                    "send stops at the first exception and passes it on to the sender. So the "
                    "command failed, as a view would in Django.",
                ),
                lambda ran: (
                    ran.receivers_of("notification") == ["show_notification", "broken"]
                    and ran.not_called("notification") == ["archive"]
                ),
                exit_code=1,
            ),
            Step(
                "notify ada --robust",
                (
                    "send_robust calls everybody, and returns exceptions among the answers. The "
                    "sender has to look: notify did, and still ends with an error.",
                ),
                lambda ran: (
                    ran.receivers_of("notification") == ["show_notification", "broken", "archive"]
                ),
                lead="Now the same with signal.send_robust(...).",
                exit_code=1,
            ),
        ),
    ),
    Lesson(
        name="faults",
        title="Faults on purpose",
        text=(
            "What if a receiver fails, or is slow? You need not break your code to see it. Every "
            "command takes these options: --fail RECEIVER makes it raise, --delay RECEIVER=TIME "
            "makes it slow, --mute SIGNAL lets a signal reach nobody.",
        ),
        question="create_profile is going to fail, after the User was saved. What will be in the "
        "database?",
        choices=(
            "bob, without a profile.",
            "Neither bob nor a profile.",
            "bob, and a profile with empty names.",
        ),
        answer=2,
        steps=(
            Step(
                "register bob --email bob@example.com --fail create_profile",
                (
                    "post_save is sent within the transaction, and an exception rolls that back: "
                    "nothing was written.",
                    "In Django, this holds inside transaction.atomic() or with ATOMIC_REQUESTS. "
                    "Without them, bob would have been saved by then.",
                ),
                lambda ran: ran.is_rolled_back and ran.raised("create_profile") == "InjectedFault",
                exit_code=1,
            ),
            Step(
                "register bob --email bob@example.com "
                "--delay create_profile=300ms --mute notification",
                (
                    "The trace marks what was done on purpose. It holds for this one command; the "
                    "code is as it was.",
                ),
                lambda ran: (
                    ran.seconds_of("create_profile") >= 0.3
                    and ran.receivers_of("notification") == []
                ),
                lead="Now slow, and in silence.",
            ),
        ),
    ),
    Lesson(
        name="commit",
        title="After the commit: on_commit",
        text=(
            "A transaction can be rolled back; a mail cannot. Of these two receivers, hasty mails "
            "at once, and patient when the transaction has been committed:",
        ),
        program="mails.py",
        shown=("hasty", "patient"),
        question="The last receiver is going to fail, so the new user is not stored. Who will have "
        "mailed?",
        choices=("hasty.", "patient.", "Both."),
        answer=1,
        steps=(
            Step(
                "create User username=bob email=bob@example.com --fail update_profile",
                (
                    "hasty has mailed for a user who does not exist. patient has not: what is "
                    "given to on_commit is called after the commit, and never after a rollback. "
                    "Django has it as transaction.on_commit.",
                ),
                lambda ran: ran.is_rolled_back and ran.senders_of("mail") == ["hasty"],
                exit_code=1,
            ),
            Step(
                "create User username=bob email=bob@example.com",
                ("Now both did, patient's last, as its number says.",),
                lambda ran: (
                    ran.senders_of("mail") == ["hasty", "patient"]
                    and ran.causes_of("mail") == ["patient"]
                ),
                lead="Now without the fault.",
            ),
        ),
    ),
    Lesson(
        name="async",
        title="Async receivers",
        text=(
            "A receiver may be an async function, as in Django since 5.0. Each of these two "
            "waits for 0.3 seconds, as it would for a mail server:",
        ),
        program="waiting.py",
        question="How long does sending notification take?",
        choices=(
            "0.6 seconds and a little.",
            "0.3 seconds and a little.",
            "No time: nobody waits for async receivers.",
        ),
        answer=2,
        steps=(
            Step(
                "notify ada",
                (
                    "First the sync receivers are called, one after the other. Then the async "
                    "ones run at the same time, which is what the mark says, and the sender waits "
                    "for the slowest of them.",
                ),
                lambda ran: ran.is_concurrent("by_mail") and ran.is_concurrent("by_phone"),
            ),
        ),
    ),
    Lesson(
        name="rows",
        title="Many rows",
        text=(
            "Django writes many rows at once with bulk_create, and then sends no post_save: no "
            "receiver hears of them.",
            "users.csv has a thousand users. register --from writes them all, together.",
        ),
        rows=1000,
        question="How often is create_profile called?",
        choices=("Never.", "Once, for all of them.", "A thousand times."),
        answer=3,
        steps=(
            Step(
                "register --from users.csv",
                (
                    "The rows are written together, and each of them sends all of its signals. "
                    "The picture would be long, so the receivers are counted instead.",
                    "In code it is `with session.bulk():`, with any model.",
                ),
                lambda ran: ran.calls("create_profile") == 1000,
            ),
        ),
    ),
)
LESSONS = tuple(replace(lesson, number=number) for number, lesson in enumerate(_IN_ORDER, 1))
_BY_NAME = {lesson.name: lesson for lesson in LESSONS}


def find_lesson(wanted: str) -> Lesson:
    """The lesson of a number or a name.

    Raises:
        NotFound: there is none.
    """
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= len(LESSONS):
        return LESSONS[int(wanted) - 1]
    if wanted.casefold() in _BY_NAME:
        return _BY_NAME[wanted.casefold()]
    close = get_close_matches(wanted.casefold(), _BY_NAME, 1)
    hint = f"did you mean {close[0]}?" if close else f"they are numbered from 1 to {len(LESSONS)},"
    raise NotFound(f"there is no lesson {wanted!r}; {hint} `signalcli tour --list` lists them")


def find_by_name(name: object) -> Lesson | None:
    """The lesson of this very name; None where there is none."""
    return _BY_NAME.get(name) if isinstance(name, str) else None
