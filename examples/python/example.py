"""Leases keys from KeyLease, calls a provider with them, reports what happened and follows the advice.

    python example.py POOL REQUESTS

Reads KEYLEASE_SERVER, KEYLEASE_TOKEN or KEYLEASE_TOKEN_FILE, and KEYLEASE_CA_FILE. Prints one line of JSON; all else goes to stderr.
"""

import http.client
import json
import os
import socket
import ssl
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

sys.path.insert(0, str(Path(__file__).parent / "gen"))
from keylease.v1 import lease_pb2 as pb  # noqa: E402  (generated next to this file)
from keylease.v1 import lease_pb2_grpc, resources_pb2  # noqa: E402

MODEL = "gpt-4o-mini"
MAX_WAIT = 10  # Seconds to stand in line at the vault; the call's own deadline leaves room for the answer.
PATIENCE = 60  # Seconds after which a request is given up, whatever the vault advises.
UPSTREAM_TIMEOUT = 30
BODY_REPORTED_MAX = 4096  # The vault keeps no more of a failure's body.

# A repeated report changes nothing, so it may be retried by the library. LeaseKey may not: each try could be a lease of its own.
SERVICE_CONFIG = json.dumps({"methodConfig": [{
    "name": [{"service": "keylease.v1.LeaseService", "method": "ReportOutcome"}],
    "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.2s", "maxBackoff": "2s", "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"]}}]})


def seconds_since_boot():
    """The clock for `start_within`: it counts the time a laptop or a guest was suspended. (macOS: CLOCK_MONOTONIC does.)"""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def connect():
    """Opens the channel, and makes the metadata that every call carries."""
    server = urlsplit(os.environ.get("KEYLEASE_SERVER", "http://127.0.0.1:7600"))
    token = os.environ.get("KEYLEASE_TOKEN") or Path(os.environ["KEYLEASE_TOKEN_FILE"]).read_text().strip()
    options = [("grpc.service_config", SERVICE_CONFIG)]
    if server.scheme == "https":
        ca_file = os.environ.get("KEYLEASE_CA_FILE")
        credentials = grpc.ssl_channel_credentials(Path(ca_file).read_bytes() if ca_file else None)
        channel = grpc.secure_channel(server.netloc, credentials, options)
    else:
        channel = grpc.insecure_channel(server.netloc, options)
    return channel, [("authorization", f"Bearer {token}")]


def call_provider(lease, sent_at):
    """Sends the upstream request, if there is still time to start it, and says what became of it."""
    credential = lease.credential
    url = urlsplit(f"{credential.base_url}/chat/completions")
    target = url.path + ("?" + urlencode([(q.name, q.value) for q in credential.query]) if credential.query else "")
    headers = {"content-type": "application/json"} | {h.name: h.value for h in credential.headers}
    body = json.dumps({"model": credential.model or MODEL, "max_tokens": 20, "messages": [{"role": "user", "content": "hello"}]})
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


def wait_after_refusal(refusal):
    """How many seconds to wait before asking again; None where waiting does not help."""
    reason, wait = "", 1
    status = rpc_status.from_call(refusal)
    for detail in status.details if status else []:
        error, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(error):
            reason = error.reason
        elif detail.Unpack(retry):
            wait = retry.retry_delay.ToTimedelta().total_seconds()
    log(f"refused: {refusal.code().name} {reason}, {refusal.details()}")
    return wait if refusal.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE) else None


def report(vault, metadata, lease, outcome):
    """Tells the vault what became of the lease, and answers what it made of that."""
    request = pb.ReportOutcomeRequest(lease_id=lease.lease_id, outcomes=[outcome], final=True)
    try:
        return vault.ReportOutcome(request, timeout=10, metadata=metadata).verdicts[0]
    except grpc.RpcError as failure:
        # Not the request's problem: a lease without a report stays charged in full, and no limit is passed.
        log(f"not reported: {failure.code().name} {failure.details()}")
        return pb.Verdict()


def run_request(vault, metadata, pool, tally):
    """Makes one request succeed, with as many leases as that takes. Answers whether it did."""
    retry_token, give_up_at = "", seconds_since_boot() + PATIENCE
    while True:
        sent_at = seconds_since_boot()  # Before the call: `start_within` counts from here.
        try:
            lease = vault.LeaseKey(pb.LeaseKeyRequest(
                pool=f"pools/{pool}", model=MODEL, max_wait=timedelta(seconds=MAX_WAIT), retry_token=retry_token,
                estimate=resources_pb2.Estimate(input_tokens=20, output_tokens_max=20),
            ), timeout=MAX_WAIT + 5, metadata=metadata)
        except grpc.RpcError as refusal:
            tally["refused"] += 1
            wait = wait_after_refusal(refusal)
        else:
            outcome = call_provider(lease, sent_at)
            verdict = report(vault, metadata, lease, outcome)
            tally["leases"] += 1
            tally["rate_limited"] += outcome.http.status == 429
            tally["dead_keys_seen"] += verdict.health.state == resources_pb2.HEALTH_STATE_DEAD
            if outcome.HasField("success"):
                tally["successes"] += 1
                return True
            # Log names, never the lease itself: a generated message prints the key in it.
            action = verdict.advice.action
            log(f"{lease.key}: {outcome.WhichOneof('result')} {outcome.http.status or ''}, {pb.AdviceAction.Name(action)}")
            wait = verdict.advice.after.ToTimedelta().total_seconds()
            if action == pb.ADVICE_ACTION_RETRY_OTHER_KEY:
                retry_token = verdict.advice.retry_token
            elif action != pb.ADVICE_ACTION_RETRY_SAME_LATER:
                wait = None
        if wait is None or seconds_since_boot() + wait > give_up_at:
            return False
        time.sleep(wait)


def log(line):
    print(line, file=sys.stderr)


def main():
    pool, requests = sys.argv[1], int(sys.argv[2])
    tally = Counter()
    channel, metadata = connect()
    with channel:
        vault = lease_pb2_grpc.LeaseServiceStub(channel)
        succeeded = [run_request(vault, metadata, pool, tally) for _ in range(requests)]
    names = ("leases", "successes", "rate_limited", "dead_keys_seen", "refused")
    print(json.dumps({"language": "python"} | {name: tally[name] for name in names}))
    return 0 if all(succeeded) else 1


if __name__ == "__main__":
    sys.exit(main())
