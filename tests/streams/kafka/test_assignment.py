"""Every topic is shared out evenly, and what can stay stays."""

from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata

from streams.kafka.assignment import EvenAssignor, assigning

TOPICS = ("author-events", "customer-facts", "mentions")


class Cluster:
    def topics(self):
        return set(TOPICS)

    def partitions_for_topic(self, topic):
        return set(range(8))


def members(*names, before=None):
    """Before: what each held; those that are new hold nothing."""
    found = {}
    for name in names:
        held = (before or {}).get(name)
        found[name] = EvenAssignor._metadata(TOPICS, list(held) if held is not None else None, 1)
    return found


def shared(found):
    answer = EvenAssignor.assign(Cluster(), found)
    return {member: set(assignment.partitions()) for member, assignment in answer.items()}


def counts(held, topic):
    return sorted(sum(tp.topic == topic for tp in tps) for tps in held.values())


def test_two_workers_get_half_of_every_topic_also_when_one_had_all():
    alone = shared(members("one"))
    for before in (None, alone):
        both = shared(members("one", "two", before=before))
        assert all(counts(both, topic) == [4, 4] for topic in TOPICS)
        assert both["one"].isdisjoint(both["two"]) and len(both["one"] | both["two"]) == 24


def test_what_can_stay_stays_when_one_joins_and_when_one_leaves():
    two = shared(members("one", "two"))
    three = shared(members("one", "two", "three", before=two))
    assert all(counts(three, topic) == [2, 3, 3] for topic in TOPICS)
    assert three["one"] < two["one"] and three["two"] < two["two"]
    again = shared(members("one", "two", before=three))
    assert three["one"] < again["one"] and three["two"] < again["two"]
    assert all(counts(again, topic) == [4, 4] for topic in TOPICS)


def test_what_travels_can_be_encoded_and_lists_of_other_topics_are_understood():
    narrow = ConsumerProtocolMemberMetadata(0, ["mentions"], b"")
    answer = EvenAssignor.assign(Cluster(), {**members("one"), "two": narrow})
    assert {tp.topic for tp in answer["two"].partitions()} == {"mentions"}
    for assignment in answer.values():
        assert type(assignment).decode(assignment.encode()).partitions() == assignment.partitions()


def test_a_topic_whose_metadata_is_missing_is_shared_out_too():
    class Recovering(Cluster):
        def partitions_for_topic(self, topic):
            return None if topic == "author-events" else set(range(8))

    answer = assigning(8).assign(Recovering(), members("one", "two"))
    held = {member: set(assignment.partitions()) for member, assignment in answer.items()}
    assert all(counts(held, topic) == [4, 4] for topic in TOPICS)
