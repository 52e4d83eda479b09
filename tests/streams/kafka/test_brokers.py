"""The way to the brokers: patient with those that are busy, quick with those that say no."""

import logging

import pytest
from kafka import errors

from config.kafka import KafkaSettings, SaslSettings
from config.section import Secret
from records.errors import HilferufError, Refused, Transient
from streams.kafka import brokers

KAFKA = KafkaSettings(bootstrap=("a:1", "b:2"), sasl=SaslSettings(username="anna", password=Secret(env="X")))


class Admin:
    """Fails so often, then answers."""

    def __init__(self, *failures):
        self.failures = list(failures)

    def describe(self, what, *, how):
        if self.failures:
            raise self.failures.pop(0)
        return what, how


def test_a_call_is_made_again_while_an_answer_may_come():
    patient = brokers._Patient(Admin(errors.NodeNotReadyError(2), errors.CoordinatorNotAvailableError()))
    assert patient.describe("topics", how="whole") == ("topics", "whole")


def test_a_no_is_not_asked_again():
    admin = Admin(errors.TopicAuthorizationFailedError(), errors.NodeNotReadyError())
    with pytest.raises(errors.TopicAuthorizationFailedError):
        brokers._Patient(admin).describe("topics", how="whole")
    assert len(admin.failures) == 1


def test_patience_ends(monkeypatch):
    monkeypatch.setattr(brokers, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(errors.NodeNotReadyError):
        brokers._Patient(Admin(*[errors.NodeNotReadyError()] * 100)).describe("topics", how="whole")


def test_a_logger_is_quiet_while_anyone_wants_it_and_then_as_before():
    logger = logging.getLogger("hilferuf.test.quiet")
    logger.setLevel(logging.INFO)
    first, second = brokers.quiet(logger.name), brokers.quiet(logger.name)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not logger.isEnabledFor(logging.CRITICAL)
    second.__exit__(None, None, None)
    assert logger.level == logging.INFO


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (errors.GroupAuthorizationFailedError(), Refused, "does not allow this to user anna"),
        (errors.KafkaTimeoutError(), Transient, "does not answer as it should"),
        (errors.KafkaConnectionError("111 ECONNREFUSED"), Transient, "a broker that it names cannot be reached"),
        (errors.PolicyViolationError("no"), HilferufError, "no"),
    ],
)
def test_every_error_of_the_client_is_one_of_ours_by_what_can_be_done(error, kind, words):
    found = brokers.told(KAFKA, error)
    assert type(found) is kind and str(found).startswith("Kafka at a:1, b:2") and words in str(found)
