"""Where a conversation stands: the task in work, what is known of it, and what was asked last.

Kept in one Rasa slot. It holds choices and references only: money, payment state and identity are read
from the services in each turn (`reliability` D7), and personal data is a vault token.
"""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

CONFIRM, PAYMENT = "confirm", "payment"
"""What `Task.asked` may be beside a slot."""
DENIED, HELD, CHANGING = "denied", "held", "changing"
"""What `Task.doubt` may be: 不是, 我先想想, or 改一下 was said since the review was shown."""
LOOKUPS = frozenset({"certificate", "query"})
"""Kinds of tasks in which nothing is lost: one of them gives way to the next for good."""
STATUS = "status"
"""The kind of a task that only looks at what was paid, while it is not known yet who is speaking."""
SHARED = ("insured_group", "insurance", "payment_type", "fee_year", "tier")
"""What the next person who is paid for has in common with the last one."""
PERSON = ("beneficiary", "insured_person", "relation", "called")
"""Who it is that is paid for, when it is somebody else."""
UNBIND, CHANGE, RETURN, TELL, REMIND, WHOSE = "unbind", "change", "return", "tell", "remind", "whose"
"""Open questions beside the task: really unbind? which answer shall change? go on with what was left? tell when
the paper is there? remind when the window opens? is it paid for the person who was named?"""


@dataclass
class Task:
    """A function of the guide in work. `kind` is `pay`, `certificate`, `query` or `refund`; `facts` are by slot name.

    `asked` is the slot that the resident is being asked for, `confirm` at the review, `payment` after it.
    `answered` lists the slots that were asked and answered, for 上一步; `reask` is one that the resident
    wants to be asked although it could be taken for granted. `order_no` is the order that pays this task;
    `taken` lists the facts that had one possible answer, which another insurance may change;
    `single` are those with one possible answer now;
    `before` is the answer that stood before the resident wanted to be asked again; `told_window` the window that
    has been told of, so that it is told once. `payable` are the facts of the last wish for another person that could
    be paid: what is wished for next may be refused. `member` is one of several that are paid for at once
    (`actions.basket`), `joint` the review and the payment of all of them. `doubt` is what keeps a mere yes from
    confirming until the review is shown again. `likely` is what went before lets expect, taken where it is offered.
    """

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    asked: str | None = None
    answered: list[str] = field(default_factory=list)
    draft_id: str | None = None
    reask: str | None = None
    order_no: str | None = None
    taken: list[str] = field(default_factory=list)
    single: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    member: bool = False
    joint: bool = False
    told_window: str | None = None
    payable: dict[str, Any] = field(default_factory=dict)
    doubt: str | None = None
    likely: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: Any) -> None:
        self.facts[name] = value
        if name in self.taken:
            self.taken.remove(name)

    @property
    def lacks_name(self) -> bool:
        """Whether it is asked what is paid for somebody else, and not yet who that is."""
        asks_what = self.kind == "pay" and self.asked in {"insured_group", "insurance"}
        named = "insured_person" in self.facts or "person_name" in self.facts
        return asks_what and self.facts.get("beneficiary") == "other" and not named

    def forget(self, name: str) -> None:
        self.facts.pop(name, None)
        if name in self.answered:
            self.answered.remove(name)


@dataclass
class Dialogue:
    """`login` is the step of logging in that is open: `consent`, `id_number`, `id_type`, `old_number`,
    `person_name`, `verification`; `id_type` the document that the typed number is of, if it was named.

    `id_token` and `name_token` are what was typed of the two, `typed` says that they were, not consented to.
    `question` is an open question beside the task (`unbind`, `change`, `return`). `order_no` is the order this
    conversation talks about. `told` are the notices that the last turn told: being committed with it, they
    are settled in the next one and never told twice. `misses` counts turns in a row that were not understood.
    `seen` is when the resident last spoke, `done` what was finished last: its kind, insurance and person;
    `left` is that payment itself when the resident left it, and may want it after all.
    `unsure` is the order of which it was told last that nobody knows whether it is paid.
    `listed` are the tax tickets that were shown last, and whose they are; `awaited` is the paper that was
    asked for too early. `shown` is the query whose records were shown last, and the page that is open.
    `basket` are those that will be paid at once and are settled, `together` whether it is being filled.
    `left_out` are those of them who shall not be paid for after all, until somebody else is.
    `window` is the time for paying that was talked about last: what one can be reminded of, and where it is written.
    `said_once` are sentences that bear no repeating: what was paid and is not in the books.
    `hint` is what the last answer was about, for a next sentence that says no more than 为什么 or 那就交: `why`
    something was refused, or the insurance of a question.
    `kept` are a number and a name that were told before what they are for.
    `about` is the insurance that was asked about, or could not be paid, since the last payment.
    `handed` are the papers that were handed out, by ticket (vouchers by person and year): which issues, 0 the first.
    `looked_up` is the other person whose records were shown last.
    `relatives` says what the people who were found are to the resident, by person id; nothing for who was named only.
    """

    task: Task | None = None
    parked: list[Task] = field(default_factory=list)
    login: str | None = None
    id_token: str | None = None
    name_token: str | None = None
    id_type: str | None = None
    typed: bool = False
    question: str | None = None
    order_no: str | None = None
    told: list[str] = field(default_factory=list)
    misses: int = 0
    seen: str | None = None
    done: dict[str, str] = field(default_factory=dict)
    left: Task | None = None
    unsure: str | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    listed: dict[str, Any] = field(default_factory=dict)
    awaited: dict[str, Any] = field(default_factory=dict)
    basket: list[Task] = field(default_factory=list)
    relatives: dict[str, str] = field(default_factory=dict)
    left_out: list[Task] = field(default_factory=list)
    together: bool = False
    window: dict[str, Any] = field(default_factory=dict)
    said_once: list[str] = field(default_factory=list)
    hint: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    handed: dict[str, list[int]] = field(default_factory=dict)
    looked_up: dict[str, str] = field(default_factory=dict)

    @property
    def capture(self) -> str | None:
        """The personal fact that is being asked for: the whole next input goes to the vault. `perhaps_name` where a
        name may be told although something else is asked."""
        asked = self.login or (self.task.asked if self.task else None)
        if asked in {"id_number", "person_name"}:
            return asked
        return "perhaps_name" if not self.login and self.task and self.task.lacks_name else None

    def finish(self, *, left: bool = False) -> None:
        """The task is done with, can't go on, or was `left` by the resident; what it was about is remembered."""
        task, self.task, self.kept = self.task, None, {}
        if not left:
            self.window = {}
        self.about = {}
        if task:
            about = [name for name in ("insured_group", "insurance") if name in task.facts]
            self.done = {"kind": task.kind} | {name: str(task.facts[name]) for name in about}
            self.done |= _person_of(task)
            wanted = replace(task, asked=None, reask=None, draft_id=None, order_no=None)
            self.left = wanted if left and task.kind == "pay" else None
            if task.kind == "pay":
                self.remember(task)
            self.left_out = []
            if task.joint or (task.member and left):
                self.leave_basket(left=left)

    def remember(self, task: Task) -> None:
        """Who was paid for, and what the next one may have in common with this one."""
        self.last = {name: str(task.facts[name]) for name in SHARED if name in task.facts} | _person_of(task)

    def leave_basket(self, *, left: bool = False) -> None:
        """No longer several at once; what was `left` may be wanted after all."""
        self.parked = [task for task in self.parked if not task.member and not task.joint]
        self.together, self.basket = False, self.basket if left else []

    def forget_login(self) -> None:
        self.login, self.id_token, self.name_token, self.id_type = None, None, None, None
        self.typed = False

    def forget_person(self) -> None:
        """Somebody else may speak next: nothing stays of what was begun, found or shown."""
        self.question, self.task, self.parked, self.order_no = None, None, [], None
        self.leave_basket()
        self.left_out = []
        self.shown, self.listed, self.awaited, self.done = {}, {}, {}, {}
        self.window, self.relatives, self.last, self.left, self.unsure = {}, {}, {}, None, None
        self.said_once, self.hint, self.kept, self.about = [], {}, {}, {}
        self.handed, self.looked_up = {}, {}

    def dump(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, [], {}, 0, False)}

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "Dialogue":
        known = {f.name for f in fields(cls)}
        kept = {name: value for name, value in (data or {}).items() if name in known}
        for name in ("task", "left"):
            if kept.get(name):
                kept[name] = Task(**kept[name])
        for name in ("parked", "basket", "left_out"):
            kept[name] = [Task(**task) for task in kept.get(name, [])]
        return cls(**kept)


def _person_of(task: Task) -> dict[str, str]:
    """Who somebody else is that is paid for; the id only of who was found."""
    if task.kind != "pay" or "beneficiary" not in task.facts:
        return {}
    found = "looked_for" in task.facts
    names = [name for name in PERSON if name in task.facts and (found or name != "insured_person")]
    return {name: str(task.facts[name]) for name in names}
