"""The names of all metrics, in one place. Counters count since the start of the process; times in seconds."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)

VERDICTS = Counter(
    "hilferuf_verdicts", "Mentions judged, by channel and outcome (kept, context, or the reason for dropping)",
    ["channel", "outcome"], registry=REGISTRY,
)  # fmt: skip
TRIGGER_HITS = Counter("hilferuf_trigger_hits", "Mentions that a trigger hit", ["trigger"], registry=REGISTRY)
LEXICON_HITS = Counter(
    "hilferuf_lexicon_hits", "Mentions that any trigger of a language hit, or that speak to a brand, by kind (language, brand)",
    ["kind", "name"], registry=REGISTRY,
)  # fmt: skip
LEXICON = Gauge("hilferuf_lexicon", "1 = the version of the lexicons in force", ["version"], registry=REGISTRY)
LEXICON_REFUSED = Gauge(
    "hilferuf_lexicon_refused", "1 = lexicons that were to come into force cannot be used; it goes on with those before",
    registry=REGISTRY,
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

# On Kafka.
PARTITION_RECORDS = Counter(
    "hilferuf_partition_records", "Records of the input that were taken in", ["stage"], registry=REGISTRY
)
PARTITION_BLOCKED = Gauge(
    "hilferuf_partition_blocked", "1 = the partition stands still until somebody did something",
    ["stage", "partition"], registry=REGISTRY,
)  # fmt: skip
PARTITION_LAG = Gauge(
    "hilferuf_partition_lag_records", "Records of the input not taken in yet", ["stage", "partition"], registry=REGISTRY
)
STATE_KEYS = Gauge("hilferuf_state_keys", "Keys with a state", ["stage", "partition"], registry=REGISTRY)
TRANSACTION_SECONDS = Histogram(
    "hilferuf_transaction_seconds", "Time of one Kafka transaction", ["stage"], registry=REGISTRY,
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25),
)  # fmt: skip
REBALANCES = Counter("hilferuf_rebalances", "Partitions were handed out anew", ["group"], registry=REGISTRY)
SEEKBACKS = Counter(
    "hilferuf_seekbacks", "Batches refused because records before them were missing, and read again", ["stage"],
    registry=REGISTRY,
)  # fmt: skip
RECORDS_LOST = Counter(
    "hilferuf_records_lost", "Records that retention deleted before they were read", ["topic"], registry=REGISTRY
)
DEAD_LETTERS_TOO_LARGE = Counter(
    "hilferuf_dead_letters_too_large", "Dead letters because a state would have grown over the limit", ["stage"],
    registry=REGISTRY,
)  # fmt: skip
KAFKA_UP = Gauge("hilferuf_kafka_up", "1 = the brokers answer", registry=REGISTRY)
SPOOL_RECORDS = Gauge("hilferuf_spool_records", "Records that wait on disk for Kafka", registry=REGISTRY)
SPOOL_BYTES = Gauge("hilferuf_spool_bytes", "Their size", registry=REGISTRY)
OTHER_DEPLOYMENTS = Gauge(
    "hilferuf_other_deployments", "Members of our consumer group that run with other settings", ["group"],
    registry=REGISTRY,
)  # fmt: skip

ON_KAFKA = (
    PARTITION_RECORDS, PARTITION_BLOCKED, PARTITION_LAG, STATE_KEYS, TRANSACTION_SECONDS, REBALANCES, SEEKBACKS,
    RECORDS_LOST, DEAD_LETTERS_TOO_LARGE, KAFKA_UP, SPOOL_RECORDS, SPOOL_BYTES, OTHER_DEPLOYMENTS,
)  # fmt: skip
