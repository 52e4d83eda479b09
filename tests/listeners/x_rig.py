"""The X listener over the imitation of X's API."""

from config.section import Secret
from config.settings import XRule, XSettings
from listeners.imitations.memory import StepClock
from listeners.imitations.x import Fault, XImitation
from listeners.x import XListener
from tests.listeners.contract_cases import Rig

SECRET = "SEHR-GEHEIM-123"
RULE = "@nordfunk -from:nordfunk -is:retweet"


class XRig(Rig):
    secret = SECRET
    batch = 250

    def __init__(self, clock: StepClock) -> None:
        self.clock = clock
        self.x = XImitation(token=SECRET, clock=clock, keep_alive=0.05)
        self.options = {}
        self.more = {}

    def settings(self, **more) -> XSettings:
        fields = {
            "bearer_token": Secret(env="X_RIG_TOKEN"),
            "rules": (XRule(value=RULE, tag="nordfunk"),),
            "base_url": self.x.url,
            "handle": "nordfunk",
            "brand": "nordfunk",
            "stall_seconds": 0.5,
        }
        return XSettings(**{**fields, **self.more, **more})

    def listener(self) -> XListener:
        return XListener(self.settings(), **{"clock": self.clock, "rng": lambda: 0.5, **self.options})

    def write(self, text: str) -> str:
        return f"x:{self.x.post(text, author='kundin')['id']}"

    def unreadable(self) -> None:
        self.x.misbehave(Fault("garbage", body=b'{"data": {"id": 5, "text": '))

    def refuse(self, status: int, times: int, headers: dict[str, str] | None = None) -> None:
        self.x.stream_faults.extend([Fault("status", status, headers or {})] * times)

    def requests(self) -> int:
        return self.x.connects
