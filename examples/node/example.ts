// Leases keys from KeyLease, calls a provider with them, reports what happened and follows the advice.
//
//     node build/example.js POOL REQUESTS
//
// Reads KEYLEASE_SERVER, KEYLEASE_TOKEN or KEYLEASE_TOKEN_FILE, and KEYLEASE_CA_FILE. Prints one line of JSON; all else goes to stderr.

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { CallOptions, credentials, Metadata, ServiceError, status } from "@grpc/grpc-js";
import { Duration } from "./gen/google/protobuf/duration.js";
import { ErrorInfo, RetryInfo } from "./gen/google/rpc/error_details.js";
import { Status } from "./gen/google/rpc/status.js";
import * as pb from "./gen/keylease/v1/lease.js";
import { HealthState } from "./gen/keylease/v1/resources.js";

const MODEL = "gpt-4o-mini";
const MAX_WAIT = 10_000; // Milliseconds to stand in line at the vault; the call's own deadline leaves room for the answer.
const PATIENCE = 60_000; // Milliseconds after which a request is given up, whatever the vault advises.
const UPSTREAM_TIMEOUT = 30_000;
const BODY_REPORTED_MAX = 4096; // The vault keeps no more of a failure's body.

// A repeated report changes nothing, so it may be retried by the library. LeaseKey may not: each try could be a lease of its own.
const SERVICE_CONFIG = JSON.stringify({ methodConfig: [{
  name: [{ service: "keylease.v1.LeaseService", method: "ReportOutcome" }],
  retryPolicy: { maxAttempts: 4, initialBackoff: "0.2s", maxBackoff: "2s", backoffMultiplier: 2,
    retryableStatusCodes: ["UNAVAILABLE"] } }] });

const tally = { leases: 0, successes: 0, rate_limited: 0, dead_keys_seen: 0, refused: 0 };
const log = (line: string) => console.error(line);

// Node has no clock that counts the time a machine was suspended: process.hrtime and performance.now stand still. The wall clock moves
// on but may be set. So take the larger of the two: a wrong wall clock can then only make us start too little, unless it is set back
// by just what the machine slept.
const now = () => ({ steady: performance.now(), wall: Date.now() });
const since = (start: ReturnType<typeof now>) => Math.max(performance.now() - start.steady, Date.now() - start.wall);

const toMillis = (duration?: Duration) => (duration ? duration.seconds * 1e3 + duration.nanos / 1e6 : 0);
const toDuration = (millis: number): Duration => {
  const seconds = Math.floor(millis / 1e3);
  return { seconds, nanos: Math.floor((millis - seconds * 1e3) * 1e6) };
};

function connect() {
  const server = new URL(process.env.KEYLEASE_SERVER ?? "http://127.0.0.1:7600");
  const token = process.env.KEYLEASE_TOKEN ?? readFileSync(process.env.KEYLEASE_TOKEN_FILE ?? "", "utf8").trim();
  const caFile = process.env.KEYLEASE_CA_FILE;
  const secure = server.protocol === "https:";
  const channel = secure ? credentials.createSsl(caFile ? readFileSync(caFile) : null) : credentials.createInsecure();
  const address = `${server.hostname}:${server.port || (secure ? 443 : 80)}`;
  const client = new pb.LeaseServiceClient(address, channel, { "grpc.service_config": SERVICE_CONFIG });
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  // The generated methods take callbacks; these two are the same calls as promises, with the token and a deadline.
  const options = (millis: number): CallOptions => ({ deadline: Date.now() + millis });
  const leaseKey = promisify<pb.LeaseKeyRequest, Metadata, CallOptions, pb.LeaseKeyResponse>(client.leaseKey.bind(client));
  const reportOutcome = promisify<pb.ReportOutcomeRequest, Metadata, CallOptions, pb.ReportOutcomeResponse>(
    client.reportOutcome.bind(client));
  return {
    leaseKey: (request: pb.LeaseKeyRequest) => leaseKey(request, metadata, options(MAX_WAIT + 5_000)),
    reportOutcome: (request: pb.ReportOutcomeRequest) => reportOutcome(request, metadata, options(10_000)),
    close: () => client.close(),
  };
}
type Vault = ReturnType<typeof connect>;

class TooLate extends Error {}

/** Sends the upstream request, if there is still time to start it, and says what became of it. */
function callProvider(lease: pb.LeaseKeyResponse, sentAt: ReturnType<typeof now>): Promise<pb.Outcome> {
  const credential = lease.credential ?? pb.Credential.create();
  const url = new URL(`${credential.baseUrl}/chat/completions`);
  credential.query.forEach(({ name, value }) => url.searchParams.append(name, value));
  const body = JSON.stringify({ model: credential.model || MODEL, max_tokens: 20, messages: [{ role: "user", content: "hello" }] });
  const headers = Object.fromEntries(credential.headers.map(({ name, value }) => [name, value]));
  let startedAfter: number | undefined;
  return new Promise<pb.Outcome>((resolve, reject) => {
    // node:http neither retries nor follows redirects: a retry would be a use without a lease, a redirect could leak the key.
    const request = (url.protocol === "https:" ? https : http).request(url, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers },
      agent: false,
      signal: AbortSignal.timeout(UPSTREAM_TIMEOUT),
    });
    // What counts is when the first byte leaves, so look at the clock with the connection already made. end() sends it.
    request.once("socket", (socket) => socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
      if (since(sentAt) >= toMillis(lease.startWithin)) return request.destroy(new TooLate());
      startedAfter = since(sentAt);
      request.end(body);
    }));
    request.once("error", reject);
    request.once("response", async (response) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        const latency = toDuration(since(sentAt) - (startedAfter ?? 0));
        resolve({ ...answered(response, Buffer.concat(chunks)), latency, startedAfter: toDuration(startedAfter ?? 0) });
      } catch (failure) {
        reject(failure);
      }
    });
  }).catch((failure: NodeJS.ErrnoException) => failure instanceof TooLate
    ? pb.Outcome.create({ result: { $case: "notSent", value: {} } })
    : pb.Outcome.create({ result: { $case: "transport", value: transportFailure(failure, startedAfter !== undefined) } }));
}

function answered({ statusCode = 0, rawHeaders }: http.IncomingMessage, body: Buffer): pb.Outcome {
  if (statusCode === 200) {
    const used = JSON.parse(body.toString()).usage ?? {};
    const usage = pb.Usage.create({ inputTokens: used.prompt_tokens ?? 0, outputTokens: used.completion_tokens ?? 0 });
    return pb.Outcome.create({ result: { $case: "success", value: {} }, usage });
  }
  const headers: pb.HttpHeader[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.push({ name: rawHeaders[i] ?? "", value: Buffer.from(rawHeaders[i + 1] ?? "", "latin1") });
  }
  return pb.Outcome.create({
    result: { $case: "http", value: { status: statusCode, headers, body: body.subarray(0, BODY_REPORTED_MAX) } },
  });
}

/** Says where a request without an answer failed. */
function transportFailure(failure: NodeJS.ErrnoException, sent: boolean): pb.TransportFailure {
  const code = failure.code ?? failure.name;
  let kind = pb.TransportFailureKind.TRANSPORT_FAILURE_KIND_UNSPECIFIED;
  if (failure.name === "AbortError" || failure.name === "TimeoutError") kind = pb.TransportFailureKind.TRANSPORT_FAILURE_KIND_TIMEOUT;
  else if (failure.syscall === "getaddrinfo") kind = pb.TransportFailureKind.TRANSPORT_FAILURE_KIND_DNS;
  else if (!sent && /TLS|SSL|CERT/.test(code)) kind = pb.TransportFailureKind.TRANSPORT_FAILURE_KIND_TLS;
  else if (!sent) kind = pb.TransportFailureKind.TRANSPORT_FAILURE_KIND_CONNECT;
  return { kind, detail: code };
}

/** How many milliseconds to wait before asking again; undefined where waiting does not help. */
function waitAfterRefusal(refusal: ServiceError): number | undefined {
  let reason = "", wait = 1_000;
  const trailer = refusal.metadata.get("grpc-status-details-bin")[0];
  for (const { typeUrl, value } of trailer ? Status.decode(trailer as Buffer).details : []) {
    if (typeUrl.endsWith("/google.rpc.ErrorInfo")) reason = ErrorInfo.decode(value).reason;
    if (typeUrl.endsWith("/google.rpc.RetryInfo")) wait = toMillis(RetryInfo.decode(value).retryDelay);
  }
  log(`refused: ${status[refusal.code]} ${reason}, ${refusal.details}`);
  return [status.RESOURCE_EXHAUSTED, status.UNAVAILABLE].includes(refusal.code) ? wait : undefined;
}

/** Tells the vault what became of the lease, and answers what it made of that. */
async function report(vault: Vault, lease: pb.LeaseKeyResponse, outcome: pb.Outcome): Promise<pb.Verdict> {
  const request = pb.ReportOutcomeRequest.create({ leaseId: lease.leaseId, outcomes: [outcome], final: true });
  try {
    return (await vault.reportOutcome(request)).verdicts[0] ?? pb.Verdict.create();
  } catch (failure) {
    // Not the request's problem: a lease without a report stays charged in full, and no limit is passed.
    log(`not reported: ${(failure as ServiceError).message}`);
    return pb.Verdict.create();
  }
}

/** Makes one request succeed, with as many leases as that takes. Answers whether it did. */
async function runRequest(vault: Vault, pool: string): Promise<boolean> {
  const begun = now();
  for (let retryToken = "", wait: number | undefined = 0; wait !== undefined && since(begun) + wait <= PATIENCE;) {
    await sleep(wait);
    const sentAt = now(); // Before the call: `start_within` counts from here.
    const lease = await vault.leaseKey(pb.LeaseKeyRequest.create({
      pool: `pools/${pool}`, model: MODEL, maxWait: toDuration(MAX_WAIT), retryToken,
      estimate: { inputTokens: 20, outputTokensMax: 20 },
    })).catch((refusal: ServiceError) => refusal);
    if (lease instanceof Error) {
      tally.refused += 1;
      wait = waitAfterRefusal(lease);
      continue;
    }
    const outcome = await callProvider(lease, sentAt);
    const { health, advice } = await report(vault, lease, outcome);
    const httpStatus = outcome.result?.$case === "http" ? outcome.result.value.status : undefined;
    tally.leases += 1;
    tally.rate_limited += Number(httpStatus === 429);
    tally.dead_keys_seen += Number(health?.state === HealthState.HEALTH_STATE_DEAD);
    if (outcome.result?.$case === "success") {
      tally.successes += 1;
      return true;
    }
    // Log names, never the lease itself: a generated message prints the key in it.
    const action = advice?.action ?? pb.AdviceAction.ADVICE_ACTION_UNSPECIFIED;
    log(`${lease.key}: ${outcome.result?.$case} ${httpStatus ?? ""}, ${pb.AdviceAction[action]}`);
    wait = toMillis(advice?.after);
    if (action === pb.AdviceAction.ADVICE_ACTION_RETRY_OTHER_KEY) retryToken = advice?.retryToken ?? "";
    else if (action !== pb.AdviceAction.ADVICE_ACTION_RETRY_SAME_LATER) wait = undefined;
  }
  return false;
}

const [pool = "", requests = "1"] = process.argv.slice(2);
const vault = connect();
for (let n = 0; n < Number(requests); n += 1) if (!(await runRequest(vault, pool))) process.exitCode = 1;
vault.close();
console.log(JSON.stringify({ language: "node", ...tally }));
