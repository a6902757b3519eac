package io.keylease.examples;

import com.google.gson.Gson;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import io.keylease.v1.Advice;
import io.keylease.v1.AdviceAction;
import io.keylease.v1.Estimate;
import io.keylease.v1.HealthState;
import io.keylease.v1.LeaseKeyRequest;
import io.keylease.v1.LeaseKeyResponse;
import io.keylease.v1.LeaseServiceGrpc;
import io.keylease.v1.LeaseServiceGrpc.LeaseServiceBlockingStub;
import io.keylease.v1.Outcome;
import io.keylease.v1.ReportOutcomeRequest;
import io.keylease.v1.Verdict;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Leases keys from KeyLease, calls a provider with them, reports what happened and follows the advice.
 *
 * <pre>java -jar target/keylease-example.jar POOL REQUESTS</pre>
 *
 * Reads KEYLEASE_SERVER, KEYLEASE_TOKEN or KEYLEASE_TOKEN_FILE, and KEYLEASE_CA_FILE. Prints one line of JSON; all else goes to stderr.
 */
public final class Example implements AutoCloseable {
  private static final String MODEL = "gpt-4o-mini";

  /** To stand in line at the vault; the call's own deadline leaves room for the answer. */
  private static final Duration MAX_WAIT = Duration.ofSeconds(10);

  /** After this a request is given up, whatever the vault advises. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** A repeated report changes nothing, so it may be retried by the library. LeaseKey may not: each try could be a lease of its own. */
  private static final String SERVICE_CONFIG = """
      {"methodConfig": [{"name": [{"service": "keylease.v1.LeaseService", "method": "ReportOutcome"}],
        "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.2s", "maxBackoff": "2s", "backoffMultiplier": 2,
          "retryableStatusCodes": ["UNAVAILABLE"]}}]}""";

  private final ManagedChannel channel;
  private final LeaseServiceBlockingStub vault;
  private final Provider provider = new Provider();
  private final Map<String, Object> tally = new LinkedHashMap<>();

  /** Opens the channel, with the token on every call. */
  @SuppressWarnings("unchecked")
  private Example(Map<String, String> environment) throws IOException {
    String address = environment.getOrDefault("KEYLEASE_SERVER", "http://127.0.0.1:7600");
    URI server = URI.create(address.contains("://") ? address : "http://" + address); // Without a scheme http is meant.
    ChannelCredentials credentials = InsecureChannelCredentials.create();
    if (server.getScheme().equals("https")) {
      TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
      if (environment.containsKey("KEYLEASE_CA_FILE")) {
        tls.trustManager(new File(environment.get("KEYLEASE_CA_FILE")));
      }
      credentials = tls.build();
    }
    String token = environment.get("KEYLEASE_TOKEN");
    if (token == null && environment.get("KEYLEASE_TOKEN_FILE") == null) {
      fail("set KEYLEASE_TOKEN_FILE, to a file with a lessee's token such as .keylease/lessee.token, or KEYLEASE_TOKEN");
    }
    if (token == null) {
      token = Files.readString(Path.of(environment.get("KEYLEASE_TOKEN_FILE"))).strip();
    }
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    channel = Grpc.newChannelBuilder(server.getAuthority(), credentials)
        .defaultServiceConfig(new Gson().fromJson(SERVICE_CONFIG, Map.class))
        .intercept(MetadataUtils.newAttachHeadersInterceptor(metadata))
        .build();
    vault = LeaseServiceGrpc.newBlockingStub(channel);
    tally.put("language", "java");
    for (String name : new String[] {"leases", "successes", "rate_limited", "dead_keys_seen", "refused"}) {
      tally.put(name, 0);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  /** Makes one request succeed, with as many leases as that takes. Answers whether it did. */
  private boolean runRequest(String pool) throws InterruptedException {
    String retryToken = "";
    Moment begun = Moment.now();
    Optional<Duration> wait = Optional.of(Duration.ZERO);
    while (wait.isPresent() && begun.elapsed().plus(wait.get()).compareTo(PATIENCE) <= 0) {
      Thread.sleep(wait.get().toMillis());
      Moment sentAt = Moment.now(); // Before the call: start_within counts from here.
      LeaseKeyResponse lease;
      try {
        lease = vault.withDeadlineAfter(MAX_WAIT.toSeconds() + 5, TimeUnit.SECONDS).leaseKey(LeaseKeyRequest.newBuilder()
            .setPool("pools/" + pool)
            .setModel(MODEL)
            .setMaxWait(Moment.toProto(MAX_WAIT))
            .setRetryToken(retryToken)
            .setEstimate(Estimate.newBuilder().setInputTokens(20).setOutputTokensMax(20))
            .build());
      } catch (StatusRuntimeException refusal) {
        count("refused", true);
        wait = waitAfterRefusal(refusal);
        continue;
      }
      Outcome outcome = provider.call(lease, sentAt);
      Verdict verdict = report(lease, outcome);
      count("leases", true);
      count("rate_limited", outcome.getHttp().getStatus() == 429);
      count("dead_keys_seen", verdict.getHealth().getState() == HealthState.HEALTH_STATE_DEAD);
      if (outcome.hasSuccess()) {
        count("successes", true);
        return true;
      }
      // Log names, never the lease itself: a generated message prints the key in it.
      Advice advice = verdict.getAdvice();
      log(lease.getKey() + ": " + verdict.getFailureClass() + ", " + advice.getAction());
      wait = switch (advice.getAction()) {
        case ADVICE_ACTION_RETRY_OTHER_KEY, ADVICE_ACTION_RETRY_SAME_LATER -> Optional.of(Moment.toJava(advice.getAfter()));
        // Too late to send, but nothing is wrong: lease again.
        case ADVICE_ACTION_UNSPECIFIED -> outcome.hasNotSent() ? Optional.of(Duration.ZERO) : Optional.empty();
        case ADVICE_ACTION_DO_NOT_RETRY, UNRECOGNIZED -> Optional.empty();
      };
      if (advice.getAction() == AdviceAction.ADVICE_ACTION_RETRY_OTHER_KEY) {
        retryToken = advice.getRetryToken();
      }
    }
    return false;
  }

  /** Tells the vault what became of the lease, and answers what it made of that. */
  private Verdict report(LeaseKeyResponse lease, Outcome outcome) {
    ReportOutcomeRequest request =
        ReportOutcomeRequest.newBuilder().setLeaseId(lease.getLeaseId()).addOutcomes(outcome).setFinal(true).build();
    try {
      return vault.withDeadlineAfter(10, TimeUnit.SECONDS).reportOutcome(request).getVerdicts(0);
    } catch (StatusRuntimeException failure) {
      // Not the request's problem: a lease without a report stays charged in full, and no limit is passed.
      log("not reported: " + failure.getStatus());
      return Verdict.getDefaultInstance();
    }
  }

  /** How long to wait before asking again; empty where waiting does not help, which is where the vault names no time. */
  private static Optional<Duration> waitAfterRefusal(StatusRuntimeException refusal) {
    String reason = "";
    Code code = refusal.getStatus().getCode();
    Optional<Duration> wait = code == Code.UNAVAILABLE ? Optional.of(Duration.ofSeconds(1)) : Optional.empty();
    try {
      for (Any detail : StatusProto.fromThrowable(refusal).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          reason = detail.unpack(ErrorInfo.class).getReason();
        } else if (detail.is(RetryInfo.class)) {
          wait = Optional.of(Moment.toJava(detail.unpack(RetryInfo.class).getRetryDelay()));
        }
      }
    } catch (InvalidProtocolBufferException malformed) {
      log("the details of a refusal cannot be read: " + malformed.getMessage());
    }
    log("refused: " + code + " " + reason + ", " + refusal.getStatus().getDescription());
    return wait;
  }

  private void count(String name, boolean counts) {
    tally.computeIfPresent(name, (key, before) -> (int) before + (counts ? 1 : 0));
  }

  private static void log(String line) {
    System.err.println(line);
  }

  private static void fail(String line) {
    System.err.println(line);
    System.exit(1);
  }

  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length != 2 || !arguments[1].matches("\\d{1,9}")) {
      fail("usage: java -jar target/keylease-example.jar POOL REQUESTS, such as: java -jar target/keylease-example.jar openai 10");
    }
    boolean succeeded = true;
    try (Example example = new Example(System.getenv())) {
      for (int number = 0; number < Integer.parseInt(arguments[1]); number++) {
        succeeded &= example.runRequest(arguments[0]);
      }
      System.out.println(new Gson().toJson(example.tally));
    }
    System.exit(succeeded ? 0 : 1);
  }
}
