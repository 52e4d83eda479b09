"""The way to the brokers for everything that is administration, with one clear line when there is none.

kafka-python tells every fault of a first connection as `Unable to bootstrap`, after its whole time limit. So each address is
knocked at first, over one connection of aiokafka's, which says at once what is wrong: nothing listens, another authority signed
the certificate, the password is refused. Nothing here waits longer than TIMEOUT_SECONDS for one answer.
"""

import asyncio
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import aiokafka.errors as aio
from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest
from kafka import errors
from kafka.admin import KafkaAdminClient

from config.kafka import KafkaSettings, client_options
from listeners.kafka_client import connected, where, words
from records.errors import HilferufError, Refused, Transient

TIMEOUT_SECONDS = 10.0
_KNOCK_SECONDS = 5.0
_LIMITS = {
    "request_timeout_ms": int(TIMEOUT_SECONDS * 1000),
    "bootstrap_timeout_ms": int(TIMEOUT_SECONDS * 1000),
}
_quiet = threading.Lock()
_levels: dict[str, tuple[int, int]] = {}  # logger -> its level before, and how many want it quiet
T = TypeVar("T")


@contextmanager
def administration(kafka: KafkaSettings, client_id: str = "hilferuf-admin") -> Iterator[Any]:
    """kafka-python's admin client; its errors within the block become ours.

    Blocks: call it in a thread where an event loop runs. Raises Transient: no broker can be reached, or one did not answer in
    time. Refused: wrong certificate, password or right. ConfigError: a secret that cannot be read.
    """
    options = client_options(kafka)
    knock(kafka, options)
    with quiet("kafka"):
        admin = _client(kafka, {**options, **_LIMITS, "client_id": client_id})
        try:
            yield _Patient(admin)
        except errors.KafkaError as error:
            raise told(kafka, error) from error
        finally:
            admin.close()


class _Patient:
    """The admin client, with every call made again while an answer may still come: kafka-python picks any broker that it knows,
    one that has just died too, and gives up at its silence; on a fresh cluster the first question about a group comes too
    early. Whatever is asked here may be asked twice."""

    def __init__(self, admin: KafkaAdminClient) -> None:
        self._admin = admin

    def __getattr__(self, name: str) -> Any:
        return partial(_patiently, getattr(self._admin, name))


def _patiently(call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Raises what the call raised when it still does after TIMEOUT_SECONDS."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return call(*arguments, **named)
        except errors.KafkaError as error:
            if not error.retriable or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Without the log lines of a client library, which say at every attempt what the raised error says once."""
    logger = logging.getLogger(name)
    with _quiet:
        level, users = _levels.get(name, (logger.level, 0))
        _levels[name] = level, users + 1
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        with _quiet:
            level, users = _levels.pop(name)
            if users > 1:  # in other threads
                _levels[name] = level, users - 1
            else:
                logger.setLevel(level)


def told(kafka: KafkaSettings, error: errors.KafkaError) -> HilferufError:
    """A kafka-python error as one of ours, by what can be done about it."""
    reason = words(error)
    if isinstance(error, errors.AuthorizationError):
        return Refused(f"{where(kafka)} does not allow this to {user(kafka)}: {reason}; see `hilferuf doctor`")
    if isinstance(error, (errors.KafkaConnectionError, errors.NodeNotReadyError)):
        return Transient(
            f"{where(kafka)} answers, but a broker that it names cannot be reached ({reason}); is one down, or do the brokers' "
            f"advertised.listeners name an address that does not lead to them from here?"
        )
    if error.retriable:
        return Transient(f"{where(kafka)} does not answer as it should: {reason}")
    return HilferufError(f"{where(kafka)}: {reason}")


def user(kafka: KafkaSettings) -> str:
    """Who we are to the brokers."""
    return f"user {kafka.sasl.username}" if kafka.sasl else "clients without a login"


def knock(kafka: KafkaSettings, options: dict[str, Any]) -> None:
    """Return when one of the addresses lets us in. Raises Transient (nobody answers) or Refused (they do not want us)."""
    found = apart(_first(kafka, options))
    if found:
        raise next((fault for fault in found if isinstance(fault, Refused)), found[0])


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread and an event loop of its own: where one runs already, no other can be started."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _first(kafka: KafkaSettings, options: dict[str, Any]) -> list[HilferufError]:
    """Nothing as soon as one lets us in; else what each of them said."""
    knocks = [asyncio.create_task(_knock(kafka, address, options)) for address in kafka.bootstrap]
    found = []
    for answer in asyncio.as_completed(knocks):
        fault = await answer
        if fault is None:
            for other in knocks:
                other.cancel()
            return []
        found.append(fault)
    return found


async def _knock(kafka: KafkaSettings, address: str, options: dict[str, Any]) -> HilferufError | None:
    host, _, port = address.rpartition(":")
    known = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    try:
        async with asyncio.timeout(_KNOCK_SECONDS):
            connection = await create_conn(host, int(port), client_id="hilferuf-knock", **known)
            try:
                await connection.send(MetadataRequest([]))
            finally:
                await connection.close()
    except (OSError, TimeoutError, EOFError, aio.KafkaError) as error:
        return await asyncio.to_thread(_explain, kafka, address, error)
    return None


def _explain(kafka: KafkaSettings, address: str, error: Exception) -> HilferufError:
    """The error of a first connection, as one line that says what to do."""
    at, sasl = f"Kafka at {address}", kafka.sasl
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(
            f"{at}: its certificate is not trusted ({error.verify_message}); kafka.tls.ca_file must hold who signed it"
        )
    if isinstance(error, aio.UnsupportedSaslMechanismError):
        return Refused(f"{at} does not take {sasl and sasl.mechanism}; set kafka.sasl.mechanism to what it takes")
    if isinstance(error, aio.IllegalSaslStateError):
        return Refused(f"{at} wants no login on this port; leave kafka.sasl out, or give the port that wants one")
    if isinstance(error, (aio.AuthenticationFailedError, aio.SaslAuthenticationFailed)):
        return Refused(f"{at} refuses the password of {user(kafka)}; see kafka.sasl")
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return Refused(f"{at} speaks no TLS on this port, or another version ({error.reason}); see kafka.tls")
    hung_up = isinstance(error, (aio.KafkaError, EOFError, ConnectionResetError, ssl.SSLEOFError))
    if (hung_up or isinstance(error, TimeoutError)) and kafka.tls is None and _speaks_tls(address):
        return Refused(f"{at} speaks TLS on this port; set kafka.tls")
    if hung_up:
        return Transient(f"{at} hangs up before it answers; {_guess(kafka, error)}")
    if isinstance(error, TimeoutError):
        return Transient(
            f"{at} does not answer within {_KNOCK_SECONDS:.0f} s; is it up, does a firewall stand between?"
        )
    if isinstance(error, socket.gaierror):
        return Transient(f"{at} cannot be reached: no such host; see kafka.bootstrap")
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else words(error)
    return Transient(f"{at} cannot be reached: {reason}; is it up? see kafka.bootstrap")


def _guess(kafka: KafkaSettings, error: Exception) -> str:
    if kafka.tls is not None and isinstance(error, (ConnectionResetError, ssl.SSLEOFError)):  # within the handshake
        return "it may speak no TLS on this port (kafka.tls)"
    if kafka.sasl is None:
        return "it may want a login (kafka.sasl)"
    return "is it a broker's port?" if kafka.tls is None else "it may want a certificate (kafka.tls.certificate_file)"


def _speaks_tls(address: str) -> bool:
    host, _, port = address.rpartition(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent: only the answer's kind counts
    try:
        with socket.create_connection((host, int(port)), 2) as plain, context.wrap_socket(plain):
            return True
    except (OSError, TimeoutError):
        return False


def _client(kafka: KafkaSettings, options: dict[str, Any]) -> Any:
    try:
        return connected(KafkaAdminClient, **options)
    except errors.KafkaError as error:
        raise told(kafka, error) from error
