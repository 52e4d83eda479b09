"""The names of all metrics, in one place. Counters count since the start of the process; times in seconds."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)

VERDICTS = Counter(
    "hilferuf_verdicts", "Mentions judged, by channel and outcome (kept, context, or the reason for dropping)",
    ["channel", "outcome"], registry=REGISTRY,
)  # fmt: skip
HEARD_DELAY = Histogram(
    "hilferuf_heard_delay_seconds", "From posting to hearing, by channel", ["channel"], registry=REGISTRY,
    buckets=(1, 5, 15, 60, 300, 900, 3600, 14400, 86400),
)  # fmt: skip
STAGE_RECORDS = Gauge("hilferuf_stage_records", "Records a stage took in", ["stage"], registry=REGISTRY)
STAGE_LAG = Gauge("hilferuf_stage_lag_records", "Records a stage has not taken in yet", ["stage"], registry=REGISTRY)
DEAD_LETTERS = Gauge("hilferuf_dead_letters", "Dead letters written since the start", registry=REGISTRY)
TICKETS = Gauge("hilferuf_tickets", "Tickets in the queue, by status", ["status"], registry=REGISTRY)
DELIVERIES = Counter(
    "hilferuf_deliveries", "Writes to a helpdesk, by outcome (done, later, dead, refused)", ["sink", "outcome"],
    registry=REGISTRY,
)  # fmt: skip
DELIVERY_SECONDS = Histogram(
    "hilferuf_delivery_seconds", "Time of one write to a helpdesk", ["sink"], registry=REGISTRY
)
PENDING = Gauge("hilferuf_deliveries_pending", "Ledger entries with work left", ["sink"], registry=REGISTRY)
SINK_UP = Gauge("hilferuf_sink_up", "1 = the helpdesk takes writes, 0 = paused", ["sink"], registry=REGISTRY)
HUMAN_EVENTS = Counter(
    "hilferuf_helpdesk_events", "What people did in a helpdesk, as observed", ["sink", "what"], registry=REGISTRY
)
LISTENER_STATE = Gauge(
    "hilferuf_listener_state", "1 for the state the listener is in", ["listener", "state"], registry=REGISTRY
)
LISTENER_PUBLISHED = Gauge(
    "hilferuf_listener_published", "Mentions published since the start", ["listener"], registry=REGISTRY
)
LISTENER_RECONNECTS = Gauge(
    "hilferuf_listener_reconnects", "Reconnects since the start", ["listener"], registry=REGISTRY
)
LISTENER_REJECTED = Gauge(
    "hilferuf_listener_rejected", "Input that could not be mapped", ["listener"], registry=REGISTRY
)
