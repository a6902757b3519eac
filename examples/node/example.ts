// Leases keys from KeyLease, calls a provider with them, reports what happened and follows the advice.
//
//     node build/example.js POOL REQUESTS
//
// Reads KEYLEASE_SERVER, KEYLEASE_TOKEN or KEYLEASE_TOKEN_FILE, and KEYLEASE_CA_FILE. Prints one line of JSON; all else goes to stderr.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { CallOptions, credentials, Metadata, ServiceError, status } from "@grpc/grpc-js";
import { ErrorInfo, RetryInfo } from "./gen/google/rpc/error_details.js";
import { Status } from "./gen/google/rpc/status.js";
import * as pb from "./gen/keylease/v1/lease.js";
import { FailureClass, HealthState } from "./gen/keylease/v1/resources.js";
import { callProvider, now, since, toDuration, toMillis } from "./provider.js";

const MODEL = "gpt-4o-mini";
const MAX_WAIT = 10_000; // Milliseconds to stand in line at the vault; the call's own deadline leaves room for the answer.
const PATIENCE = 60_000; // Milliseconds after which a request is given up, whatever the vault advises.

// A repeated report changes nothing, so it may be retried by the library. LeaseKey may not: each try could be a lease of its own.
const SERVICE_CONFIG = JSON.stringify({ methodConfig: [{
  name: [{ service: "keylease.v1.LeaseService", method: "ReportOutcome" }],
  retryPolicy: { maxAttempts: 4, initialBackoff: "0.2s", maxBackoff: "2s", backoffMultiplier: 2,
    retryableStatusCodes: ["UNAVAILABLE"] } }] });

const tally = { leases: 0, successes: 0, rate_limited: 0, dead_keys_seen: 0, refused: 0 };
const log = (line: string) => console.error(line);
function fail(line: string): never {
  log(line);
  process.exit(1);
}

function connect() {
  const named = process.env.KEYLEASE_SERVER || "http://127.0.0.1:7600";
  const server = new URL(named.includes("://") ? named : `http://${named}`); // Without a scheme http is meant.
  const tokenFile = process.env.KEYLEASE_TOKEN_FILE;
  if (!process.env.KEYLEASE_TOKEN && !tokenFile) {
    fail("set KEYLEASE_TOKEN_FILE, to a file with a lessee's token such as .keylease/lessee.token, or KEYLEASE_TOKEN");
  }
  const token = process.env.KEYLEASE_TOKEN || readFileSync(tokenFile ?? "", "utf8").trim();
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

/** How many milliseconds to wait before asking again; undefined where waiting does not help, which is where the vault names no time. */
function waitAfterRefusal(refusal: ServiceError): number | undefined {
  let reason = "", wait = refusal.code === status.UNAVAILABLE ? 1_000 : undefined;
  const trailer = refusal.metadata.get("grpc-status-details-bin")[0];
  for (const { typeUrl, value } of trailer ? Status.decode(trailer as Buffer).details : []) {
    if (typeUrl.endsWith("/google.rpc.ErrorInfo")) reason = ErrorInfo.decode(value).reason;
    if (typeUrl.endsWith("/google.rpc.RetryInfo")) wait = toMillis(RetryInfo.decode(value).retryDelay);
  }
  log(`refused: ${status[refusal.code]} ${reason}, ${refusal.details}`);
  return wait;
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
    const { health, advice, failureClass } = await report(vault, lease, outcome);
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
    log(`${lease.key}: ${FailureClass[failureClass]}, ${pb.AdviceAction[action]}`);
    wait = toMillis(advice?.after);
    if (action === pb.AdviceAction.ADVICE_ACTION_RETRY_OTHER_KEY) retryToken = advice?.retryToken ?? "";
    else if (action !== pb.AdviceAction.ADVICE_ACTION_RETRY_SAME_LATER && outcome.result?.$case !== "notSent") wait = undefined;
  }
  return false;
}

const [pool, requests] = process.argv.slice(2);
if (!pool || !/^\d+$/.test(requests ?? "")) fail("usage: node build/example.js POOL REQUESTS, such as: node build/example.js openai 10");
const vault = connect();
for (let n = 0; n < Number(requests); n += 1) if (!(await runRequest(vault, pool))) process.exitCode = 1;
vault.close();
console.log(JSON.stringify({ language: "node", ...tally }));
