package main

// The part to replace by your own call: it sends the upstream request of one lease in time, once, and says what became of it.

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/keylease/keylease/examples/go/gen/keylease/v1"
)

const (
	upstreamTimeout = 30 * time.Second
	bodyReportedMax = 4096 // The vault keeps no more of a failure's body.
)

// sinceBoot is the clock for start_within: it counts the time a laptop or a guest was suspended, which time.Now does not.
// (Linux; elsewhere in Unix CLOCK_MONOTONIC is the nearest.)
func sinceBoot() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		log.Fatalf("reading the boot clock: %v", err)
	}
	return time.Duration(now.Nano())
}

// A failed request must not be sent again by the client: that would be a use without a lease. Nor may a redirect carry the key away.
// Without connections kept alive, net/http has nothing to retry on.
var provider = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       upstreamTimeout,
}

// callProvider sends the upstream request, if there is still time to start it, and says what became of it.
func callProvider(ctx context.Context, lease *pb.LeaseKeyResponse, sentAt time.Duration) *pb.Outcome {
	var startedAfter time.Duration
	var connected, tooLate bool
	// What counts is when the first byte leaves, so look at the clock with the connection already made.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		connected, startedAfter = true, sinceBoot()-sentAt
		if tooLate = startedAfter >= lease.StartWithin.AsDuration(); tooLate {
			info.Conn.Close()
		}
	}})
	request, err := upstreamRequest(ctx, lease.Credential)
	if err != nil {
		log.Printf("%s: base URL: %v", lease.Key, err)
		return &pb.Outcome{Result: &pb.Outcome_NotSent{NotSent: &pb.NotSent{}}}
	}
	response, err := provider.Do(request)
	var answer []byte
	if err == nil {
		defer response.Body.Close()
		answer, err = io.ReadAll(response.Body)
	}
	switch {
	case tooLate:
		return &pb.Outcome{Result: &pb.Outcome_NotSent{NotSent: &pb.NotSent{}}}
	case err != nil:
		return &pb.Outcome{Result: &pb.Outcome_Transport{Transport: transportFailure(err, connected)}}
	}
	outcome := answered(response, answer)
	outcome.StartedAfter = durationpb.New(startedAfter)
	outcome.Latency = durationpb.New(sinceBoot() - sentAt - startedAfter)
	return outcome
}

func answered(response *http.Response, body []byte) *pb.Outcome {
	if response.StatusCode == http.StatusOK {
		outcome := &pb.Outcome{Result: &pb.Outcome_Success{Success: &pb.Success{}}}
		var completion struct {
			Usage struct {
				Input  int64 `json:"prompt_tokens"`
				Output int64 `json:"completion_tokens"`
			}
		}
		if json.Unmarshal(body, &completion) == nil {
			outcome.Usage = &pb.Usage{InputTokens: completion.Usage.Input, OutputTokens: completion.Usage.Output}
		}
		return outcome
	}
	result := &pb.HttpResult{Status: int32(response.StatusCode), Body: body[:min(len(body), bodyReportedMax)]}
	for name, values := range response.Header {
		for _, value := range values {
			result.Headers = append(result.Headers, &pb.HttpHeader{Name: name, Value: []byte(value)})
		}
	}
	return &pb.Outcome{Result: &pb.Outcome_Http{Http: result}}
}

func upstreamRequest(ctx context.Context, credential *pb.Credential) (*http.Request, error) {
	body, err := json.Marshal(map[string]any{
		"model": credential.Model, "max_tokens": 20, "messages": []map[string]string{{"role": "user", "content": "hello"}},
	})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, credential.BaseUrl+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/json")
	for _, header := range credential.Headers {
		request.Header.Set(header.Name, header.Value)
	}
	query := request.URL.Query()
	for _, parameter := range credential.Query {
		query.Add(parameter.Name, parameter.Value)
	}
	request.URL.RawQuery = query.Encode()
	return request, nil
}

// transportFailure says where a request without an answer failed. The error's text would name the URL, so its type has to do.
func transportFailure(err error, connected bool) *pb.TransportFailure {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	kind := pb.TransportFailureKind_TRANSPORT_FAILURE_KIND_UNSPECIFIED
	switch {
	case errors.As(err, &dns):
		kind = pb.TransportFailureKind_TRANSPORT_FAILURE_KIND_DNS
	case errors.As(err, &certificate):
		kind = pb.TransportFailureKind_TRANSPORT_FAILURE_KIND_TLS
	case !connected:
		kind = pb.TransportFailureKind_TRANSPORT_FAILURE_KIND_CONNECT
	case os.IsTimeout(err):
		kind = pb.TransportFailureKind_TRANSPORT_FAILURE_KIND_TIMEOUT
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &pb.TransportFailure{Kind: kind, Detail: fmt.Sprintf("%T", err)}
}
