package io.keylease.examples;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import io.keylease.v1.Credential;
import io.keylease.v1.Header;
import io.keylease.v1.HttpHeader;
import io.keylease.v1.HttpResult;
import io.keylease.v1.LeaseKeyResponse;
import io.keylease.v1.NotSent;
import io.keylease.v1.Outcome;
import io.keylease.v1.QueryParameter;
import io.keylease.v1.Success;
import io.keylease.v1.TransportFailure;
import io.keylease.v1.TransportFailureKind;
import io.keylease.v1.Usage;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;

/** The part to replace by your own call: sends the upstream request of one lease in time, once, and says what became of it. */
final class Provider {
  private static final Duration UPSTREAM_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);

  /** The vault keeps no more of a failure's body. */
  private static final int BODY_REPORTED_MAX = 4096;

  // This client does not send a POST again by itself (HttpURLConnection does!) and follows no redirect, which could leak the key.
  private final HttpClient http = HttpClient.newBuilder()
      .version(HttpClient.Version.HTTP_1_1)
      .followRedirects(HttpClient.Redirect.NEVER)
      .connectTimeout(CONNECT_TIMEOUT)
      .build();

  /** Sends the upstream request, if there is still time to start it, and says what became of it. */
  Outcome call(LeaseKeyResponse lease, Moment sentAt) throws InterruptedException {
    // What counts is when the first byte leaves. This client has no hook between connecting and sending, so the time that
    // connecting may take is counted as if it were taken; more than that it cannot take.
    Duration startedAfter = sentAt.elapsed().plus(CONNECT_TIMEOUT);
    if (startedAfter.compareTo(Moment.toJava(lease.getStartWithin())) >= 0) {
      return Outcome.newBuilder().setNotSent(NotSent.getDefaultInstance()).build();
    }
    Moment begun = Moment.now();
    HttpResponse<byte[]> response;
    try {
      response = http.send(request(lease.getCredential()), HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException failure) {
      return Outcome.newBuilder().setTransport(transportFailure(failure)).build();
    }
    Outcome.Builder outcome = Outcome.newBuilder()
        .setStartedAfter(Moment.toProto(startedAfter))
        .setLatency(Moment.toProto(begun.elapsed()));
    if (response.statusCode() == 200) {
      return outcome.setSuccess(Success.getDefaultInstance()).setUsage(usage(response.body())).build();
    }
    return outcome.setHttp(httpResult(response)).build();
  }

  private static HttpRequest request(Credential credential) {
    String query = credential.getQueryList().stream().map(Provider::encoded).collect(Collectors.joining("&"));
    URI uri = URI.create(credential.getBaseUrl() + "/chat/completions" + (query.isEmpty() ? "" : "?" + query));
    String body = new Gson().toJson(Map.of(
        "model", credential.getModel(),
        "max_tokens", 20,
        "messages", List.of(Map.of("role", "user", "content", "hello"))));
    HttpRequest.Builder request = HttpRequest.newBuilder(uri)
        .timeout(UPSTREAM_TIMEOUT)
        .header("content-type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body));
    for (Header header : credential.getHeadersList()) {
      request.setHeader(header.getName(), header.getValue());
    }
    return request.build();
  }

  private static String encoded(QueryParameter parameter) {
    return URLEncoder.encode(parameter.getName(), StandardCharsets.UTF_8) + "="
        + URLEncoder.encode(parameter.getValue(), StandardCharsets.UTF_8);
  }

  private static Usage usage(byte[] body) {
    JsonElement used = new Gson().fromJson(new String(body, StandardCharsets.UTF_8), JsonObject.class).get("usage");
    if (used == null || !used.isJsonObject()) {
      return Usage.getDefaultInstance();
    }
    return Usage.newBuilder()
        .setInputTokens(used.getAsJsonObject().get("prompt_tokens").getAsLong())
        .setOutputTokens(used.getAsJsonObject().get("completion_tokens").getAsLong())
        .build();
  }

  private static HttpResult httpResult(HttpResponse<byte[]> response) {
    byte[] body = response.body();
    HttpResult.Builder result = HttpResult.newBuilder()
        .setStatus(response.statusCode())
        .setBody(ByteString.copyFrom(body, 0, Math.min(body.length, BODY_REPORTED_MAX)));
    response.headers().map().forEach((name, values) -> values.forEach(value ->
        result.addHeaders(HttpHeader.newBuilder().setName(name).setValue(ByteString.copyFrom(value, StandardCharsets.ISO_8859_1)))));
    return result.build();
  }

  /** Says where a request without an answer failed. */
  private static TransportFailure transportFailure(IOException failure) {
    TransportFailureKind kind = TransportFailureKind.TRANSPORT_FAILURE_KIND_UNSPECIFIED;
    if (failure.getCause() != null && failure.getCause().getCause() instanceof UnresolvedAddressException) {
      kind = TransportFailureKind.TRANSPORT_FAILURE_KIND_DNS;
    } else if (failure instanceof ConnectException || failure instanceof HttpConnectTimeoutException) {
      kind = TransportFailureKind.TRANSPORT_FAILURE_KIND_CONNECT;
    } else if (failure instanceof SSLException) {
      kind = TransportFailureKind.TRANSPORT_FAILURE_KIND_TLS;
    } else if (failure instanceof HttpTimeoutException) {
      kind = TransportFailureKind.TRANSPORT_FAILURE_KIND_TIMEOUT;
    }
    return TransportFailure.newBuilder().setKind(kind).setDetail(failure.getClass().getSimpleName()).build();
  }
}
