"""The part to replace by your own call: it sends the upstream request of one lease in time, once, and says what became of it."""

import http.client
import json
import socket
import ssl
import time
from contextlib import closing
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from keylease.v1 import lease_pb2 as pb

UPSTREAM_TIMEOUT = 30
BODY_REPORTED_MAX = 4096  # The vault keeps no more of a failure's body.


def seconds_since_boot():
    """The clock for `start_within`: it counts the time a laptop or a guest was suspended. (macOS: CLOCK_MONOTONIC does.)"""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def call_provider(lease, sent_at):
    """Sends the upstream request, if there is still time to start it, and says what became of it."""
    credential = lease.credential
    url = urlsplit(f"{credential.base_url}/chat/completions")
    target = url.path + ("?" + urlencode([(q.name, q.value) for q in credential.query]) if credential.query else "")
    headers = {"content-type": "application/json"} | {h.name: h.value for h in credential.headers}
    body = json.dumps({"model": credential.model, "max_tokens": 20, "messages": [{"role": "user", "content": "hello"}]})
    # http.client neither retries nor follows redirects: a retry would be a use without a lease, a redirect could leak the key.
    connection_type = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    with closing(connection_type(url.netloc, timeout=UPSTREAM_TIMEOUT)) as connection:
        started_after, sent = None, False
        try:
            connection.connect()
            # What counts is when the first byte leaves, so look at the clock with the connection already made.
            started_after = seconds_since_boot() - sent_at
            if started_after >= lease.start_within.ToTimedelta().total_seconds():
                return pb.Outcome(not_sent=pb.NotSent())
            sent = True
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as failure:
            return pb.Outcome(transport=transport_failure(failure, sent))
    outcome = pb.Outcome(
        started_after=timedelta(seconds=started_after),
        latency=timedelta(seconds=seconds_since_boot() - sent_at - started_after),
    )
    if response.status == 200:
        outcome.success.SetInParent()
        used = json.loads(answer).get("usage") or {}
        outcome.usage.input_tokens = used.get("prompt_tokens", 0)
        outcome.usage.output_tokens = used.get("completion_tokens", 0)
    else:
        received = [pb.HttpHeader(name=name, value=value.encode("latin-1")) for name, value in response.getheaders()]
        outcome.http.CopyFrom(pb.HttpResult(status=response.status, headers=received, body=answer[:BODY_REPORTED_MAX]))
    return outcome


def transport_failure(failure, sent):
    """Says where a request without an answer failed."""
    if isinstance(failure, socket.gaierror):
        kind = pb.TRANSPORT_FAILURE_KIND_DNS
    elif not sent:
        kind = pb.TRANSPORT_FAILURE_KIND_TLS if isinstance(failure, ssl.SSLError) else pb.TRANSPORT_FAILURE_KIND_CONNECT
    else:
        kind = pb.TRANSPORT_FAILURE_KIND_TIMEOUT if isinstance(failure, TimeoutError) else pb.TRANSPORT_FAILURE_KIND_UNSPECIFIED
    return pb.TransportFailure(kind=kind, detail=type(failure).__name__)
