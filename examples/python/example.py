"""Leases keys from KeyLease, calls a provider with them, reports what happened and follows the advice.

    python example.py POOL REQUESTS

Reads KEYLEASE_SERVER, KEYLEASE_TOKEN or KEYLEASE_TOKEN_FILE, and KEYLEASE_CA_FILE. Prints one line of JSON; all else goes to stderr.
"""

import json
import os
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

sys.path.insert(0, str(Path(__file__).parent / "gen"))
from keylease.v1 import lease_pb2 as pb  # noqa: E402  (generated next to this file)
from keylease.v1 import lease_pb2_grpc, resources_pb2  # noqa: E402
from provider import call_provider, seconds_since_boot  # noqa: E402

MODEL = "gpt-4o-mini"
MAX_WAIT = 10  # Seconds to stand in line at the vault; the call's own deadline leaves room for the answer.
PATIENCE = 60  # Seconds after which a request is given up, whatever the vault advises.

# A repeated report changes nothing, so it may be retried by the library. LeaseKey may not: each try could be a lease of its own.
SERVICE_CONFIG = json.dumps({"methodConfig": [{
    "name": [{"service": "keylease.v1.LeaseService", "method": "ReportOutcome"}],
    "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.2s", "maxBackoff": "2s", "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"]}}]})


def connect():
    """Opens the channel, and makes the metadata that every call carries."""
    address = os.environ.get("KEYLEASE_SERVER") or "http://127.0.0.1:7600"
    server = urlsplit(address if "://" in address else f"http://{address}")  # Without a scheme http is meant.
    token, token_file = os.environ.get("KEYLEASE_TOKEN"), os.environ.get("KEYLEASE_TOKEN_FILE")
    if not token and not token_file:
        sys.exit("set KEYLEASE_TOKEN_FILE, to a file with a lessee's token such as .keylease/lessee.token, or KEYLEASE_TOKEN")
    token = token or Path(token_file).read_text().strip()
    options = [("grpc.service_config", SERVICE_CONFIG)]
    if server.scheme == "https":
        ca_file = os.environ.get("KEYLEASE_CA_FILE")
        credentials = grpc.ssl_channel_credentials(Path(ca_file).read_bytes() if ca_file else None)
        channel = grpc.secure_channel(server.netloc, credentials, options)
    else:
        channel = grpc.insecure_channel(server.netloc, options)
    return channel, [("authorization", f"Bearer {token}")]


def wait_after_refusal(refusal):
    """How many seconds to wait before asking again; None where waiting does not help, which is where the vault names no time."""
    reason, wait = "", (1 if refusal.code() == grpc.StatusCode.UNAVAILABLE else None)
    status = rpc_status.from_call(refusal)
    for detail in status.details if status else []:
        error, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(error):
            reason = error.reason
        elif detail.Unpack(retry):
            wait = retry.retry_delay.ToTimedelta().total_seconds()
    log(f"refused: {refusal.code().name} {reason}, {refusal.details()}")
    return wait


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
            log(f"{lease.key}: {resources_pb2.FailureClass.Name(verdict.failure_class)}, {pb.AdviceAction.Name(action)}")
            wait = verdict.advice.after.ToTimedelta().total_seconds()
            if action == pb.ADVICE_ACTION_RETRY_OTHER_KEY:
                retry_token = verdict.advice.retry_token
            elif action != pb.ADVICE_ACTION_RETRY_SAME_LATER and not outcome.HasField("not_sent"):
                wait = None
        if wait is None or seconds_since_boot() + wait > give_up_at:
            return False
        time.sleep(wait)


def log(line):
    print(line, file=sys.stderr)


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        sys.exit("usage: python example.py POOL REQUESTS, such as: python example.py openai 10")
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
