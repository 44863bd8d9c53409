"""An exact, lock-free sliding-window rate limiter.

In any half-open window of its length a limiter admits at most the limit; a
denial names the exact instant at which the same request would be admitted;
several windows and several rules are charged all or none; policies are swapped
while running and keep their history.

>>> import slidegate
>>> policy = slidegate.Policy.from_toml('''
... version = 1
... [[rule]]
... name = "create-payment"
... match = "POST /v1/payment"
... windows = ["100/min"]
... ''')
>>> limiter = slidegate.Limiter(policy)
>>> decision = limiter.check("m_42", "POST /v1/payment")
>>> decision.allowed, decision.remaining
(True, 99)

Everything here may be used from any thread at once, and no check blocks but where
it loads the policy anew, as a thread's first call and its first after a swap do.
After a fork each process counts for itself, so N worker processes admit up to N
times the limit between them.

``slidegate.asgi`` has a middleware for Starlette, FastAPI and other ASGI
frameworks.
"""

from slidegate._errors import (
    IncompatiblePolicyError,
    Mistake,
    PolicyError,
    ReceiptError,
    RequestError,
)
from slidegate._native import (
    MAX_ENDPOINT_BYTES,
    PROBLEM_MEDIA_TYPE,
    Decision,
    Key,
    Limiter,
    ManualClock,
    Policy,
    __version__,
)
from slidegate._results import KeyCounters, KeyUsage, RuleUsage, Window

__all__ = [
    "MAX_ENDPOINT_BYTES",
    "PROBLEM_MEDIA_TYPE",
    "Decision",
    "IncompatiblePolicyError",
    "Key",
    "KeyCounters",
    "KeyUsage",
    "Limiter",
    "ManualClock",
    "Mistake",
    "Policy",
    "PolicyError",
    "ReceiptError",
    "RequestError",
    "RuleUsage",
    "Window",
    "__version__",
]
