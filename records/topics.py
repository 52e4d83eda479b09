"""The topics, their keys and what travels on them. Both engines use these names; on Kafka a prefix stands before them."""

MENTIONS = "mentions"  # key: mention id; Mention, Lookup
CUSTOMER_FACTS = "customer-facts"  # key: customer id; CustomerFact
AUTHOR_EVENTS = "author-events"  # key: author key; AuthorEvent
TICKETS = "tickets"  # key: ticket id; TicketOperation (Kafka: Observed too); compacted
DEAD_LETTERS = "dead-letters"  # key: dead letter id; DeadLetter

ALL = (MENTIONS, CUSTOMER_FACTS, AUTHOR_EVENTS, TICKETS, DEAD_LETTERS)

# On Kafka only.
DELIVERIES = "deliveries"  # key: sink|ticket id; Delivery: the ledger, in the partition of the ticket; compacted
CURSORS = "cursors"  # key: a listener's cursor key; where it reads on; compacted
RULES = "rules"  # the lexicons in force, and those before; see streams.kafka.editions; compacted

MAX_RECORD = 900_000  # bytes of one record; brokers refuse more than a megabyte
WHOLE = "*"  # the key of a record that concerns its whole partition: Tick, Rules


def state_of(stage: str) -> str:
    """The changelog of a stage: key = the stage's key; the state; compacted."""
    return f"{stage}-state"
