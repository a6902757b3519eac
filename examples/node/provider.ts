// The part to replace by your own call: it sends the upstream request of one lease in time, once, and says what became of it.

import http from "node:http";
import https from "node:https";
import { Duration } from "./gen/google/protobuf/duration.js";
import * as pb from "./gen/keylease/v1/lease.js";

const UPSTREAM_TIMEOUT = 30_000;
const BODY_REPORTED_MAX = 4096; // The vault keeps no more of a failure's body.

// Node has no clock that counts the time a machine was suspended: process.hrtime and performance.now stand still. The wall clock moves
// on but may be set. So take the larger of the two: a wrong wall clock can then only make us start too little, unless it is set back
// by just what the machine slept.
export type Moment = { steady: number; wall: number };
export const now = (): Moment => ({ steady: performance.now(), wall: Date.now() });
export const since = (start: Moment) => Math.max(performance.now() - start.steady, Date.now() - start.wall);

export const toMillis = (duration?: Duration) => (duration ? duration.seconds * 1e3 + duration.nanos / 1e6 : 0);
export const toDuration = (millis: number): Duration => {
  const seconds = Math.floor(millis / 1e3);
  return { seconds, nanos: Math.floor((millis - seconds * 1e3) * 1e6) };
};

class TooLate extends Error {}

/** Sends the upstream request, if there is still time to start it, and says what became of it. */
export function callProvider(lease: pb.LeaseKeyResponse, sentAt: Moment): Promise<pb.Outcome> {
  const credential = lease.credential ?? pb.Credential.create();
  const url = new URL(`${credential.baseUrl}/chat/completions`);
  credential.query.forEach(({ name, value }) => url.searchParams.append(name, value));
  const body = JSON.stringify({ model: credential.model, max_tokens: 20, messages: [{ role: "user", content: "hello" }] });
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
