"""The topics, their keys and what travels on them. Both engines use these names."""

MENTIONS = "mentions"  # key: mention id; Mention, Lookup, Tick
CUSTOMER_FACTS = "customer-facts"  # key: customer id; CustomerFact
AUTHOR_EVENTS = "author-events"  # key: author key; AuthorEvent, Tick, Rules
TICKETS = "tickets"  # key: ticket id; TicketOperation
DEAD_LETTERS = "dead-letters"  # key: dead letter id; DeadLetter

ALL = (MENTIONS, CUSTOMER_FACTS, AUTHOR_EVENTS, TICKETS, DEAD_LETTERS)
