// Leases keys from KeyLease, calls a provider with them, reports what happened and follows the advice.
//
//	go run . POOL REQUESTS
//
// Reads KEYLEASE_SERVER, KEYLEASE_TOKEN or KEYLEASE_TOKEN_FILE, and KEYLEASE_CA_FILE. Prints one line of JSON; all else goes to stderr.
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/keylease/keylease/examples/go/gen/keylease/v1"
)

//go:generate buf generate

const (
	model    = "gpt-4o-mini"
	maxWait  = 10 * time.Second // To stand in line at the vault; the call's own deadline leaves room for the answer.
	patience = time.Minute      // After this a request is given up, whatever the vault advises.

	// A repeated report changes nothing, so it may be retried by the library. LeaseKey may not: each try could be a lease of its own.
	serviceConfig = `{"methodConfig": [{"name": [{"service": "keylease.v1.LeaseService", "method": "ReportOutcome"}],
		"retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.2s", "maxBackoff": "2s", "backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]}}]}`
)

// Tally is what the program prints at its end.
type Tally struct {
	Language     string `json:"language"`
	Leases       int    `json:"leases"`
	Successes    int    `json:"successes"`
	RateLimited  int    `json:"rate_limited"`
	DeadKeysSeen int    `json:"dead_keys_seen"`
	Refused      int    `json:"refused"`
}

func connect() (*grpc.ClientConn, string, error) {
	token := os.Getenv("KEYLEASE_TOKEN")
	if token == "" && os.Getenv("KEYLEASE_TOKEN_FILE") == "" {
		return nil, "", errors.New("set KEYLEASE_TOKEN_FILE, to a file with a lessee's token such as .keylease/lessee.token, or KEYLEASE_TOKEN")
	}
	if token == "" {
		text, err := os.ReadFile(os.Getenv("KEYLEASE_TOKEN_FILE"))
		if err != nil {
			return nil, "", err
		}
		token = strings.TrimSpace(string(text))
	}
	address := cmp.Or(os.Getenv("KEYLEASE_SERVER"), "http://127.0.0.1:7600")
	if !strings.Contains(address, "://") {
		address = "http://" + address // Without a scheme http is meant.
	}
	server, err := url.Parse(address)
	if err != nil {
		return nil, "", err
	}
	transport := insecure.NewCredentials()
	if server.Scheme == "https" {
		roots, _ := x509.SystemCertPool()
		if file := os.Getenv("KEYLEASE_CA_FILE"); file != "" {
			pem, err := os.ReadFile(file)
			if err != nil {
				return nil, "", err
			}
			roots = x509.NewCertPool()
			roots.AppendCertsFromPEM(pem)
		}
		transport = credentials.NewTLS(&tls.Config{RootCAs: roots})
	}
	conn, err := grpc.NewClient(server.Host, grpc.WithTransportCredentials(transport), grpc.WithDefaultServiceConfig(serviceConfig))
	return conn, token, err
}

// waitAfterRefusal says how long to wait before asking again, and whether waiting helps: it does not where the vault names no time.
func waitAfterRefusal(err error) (wait time.Duration, helps bool) {
	refusal, reason := status.Convert(err), ""
	if refusal.Code() == codes.Unavailable {
		wait, helps = time.Second, true
	}
	for _, detail := range refusal.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.Reason
		case *errdetails.RetryInfo:
			wait, helps = detail.RetryDelay.AsDuration(), true
		}
	}
	log.Printf("refused: %s %s, %s", refusal.Code(), reason, refusal.Message())
	return wait, helps
}

// report tells the vault what became of the lease, and answers what it made of that.
func report(ctx context.Context, vault pb.LeaseServiceClient, lease *pb.LeaseKeyResponse, outcome *pb.Outcome) *pb.Verdict {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	response, err := vault.ReportOutcome(ctx, &pb.ReportOutcomeRequest{
		LeaseId: lease.LeaseId, Outcomes: []*pb.Outcome{outcome}, Final: true,
	})
	if err != nil || len(response.Verdicts) == 0 {
		// Not the request's problem: a lease without a report stays charged in full, and no limit is passed.
		log.Printf("not reported: %v", err)
		return &pb.Verdict{}
	}
	return response.Verdicts[0]
}

// runRequest makes one request succeed, with as many leases as that takes, and says whether it did.
func runRequest(ctx context.Context, vault pb.LeaseServiceClient, pool string, tally *Tally) bool {
	retryToken := ""
	giveUpAt := sinceBoot() + patience
	for wait, helps := time.Duration(0), true; helps && sinceBoot()+wait <= giveUpAt; {
		time.Sleep(wait)
		sentAt := sinceBoot() // Before the call: start_within counts from here.
		lease, err := leaseKey(ctx, vault, pool, retryToken)
		if err != nil {
			tally.Refused++
			wait, helps = waitAfterRefusal(err)
			continue
		}
		outcome := callProvider(ctx, lease, sentAt)
		verdict := report(ctx, vault, lease, outcome)
		tally.Leases++
		if outcome.GetHttp().GetStatus() == http.StatusTooManyRequests {
			tally.RateLimited++
		}
		if verdict.GetHealth().GetState() == pb.HealthState_HEALTH_STATE_DEAD {
			tally.DeadKeysSeen++
		}
		if outcome.GetSuccess() != nil {
			tally.Successes++
			return true
		}
		// Log names, never the lease itself: a generated message prints the key in it.
		advice := verdict.GetAdvice()
		log.Printf("%s: %s, %s", lease.Key, verdict.GetFailureClass(), advice.GetAction())
		wait = advice.GetAfter().AsDuration()
		switch advice.GetAction() {
		case pb.AdviceAction_ADVICE_ACTION_RETRY_OTHER_KEY:
			retryToken = advice.RetryToken
		case pb.AdviceAction_ADVICE_ACTION_RETRY_SAME_LATER:
		default:
			helps = outcome.GetNotSent() != nil // Too late, but nothing is wrong: lease again.
		}
	}
	return false
}

func leaseKey(ctx context.Context, vault pb.LeaseServiceClient, pool, retryToken string) (*pb.LeaseKeyResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait+5*time.Second)
	defer cancel()
	return vault.LeaseKey(ctx, &pb.LeaseKeyRequest{
		Pool: "pools/" + pool, Model: model, MaxWait: durationpb.New(maxWait), RetryToken: retryToken,
		Estimate: &pb.Estimate{InputTokens: 20, OutputTokensMax: 20},
	})
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: keylease-example POOL REQUESTS, such as: keylease-example openai 10")
	}
	requests, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatalf("REQUESTS is %q: give a number", os.Args[2])
	}
	conn, token, err := connect()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	vault := pb.NewLeaseServiceClient(conn)
	ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+token)
	tally := &Tally{Language: "go"}
	for range requests {
		runRequest(ctx, vault, os.Args[1], tally)
	}
	if err := json.NewEncoder(os.Stdout).Encode(tally); err != nil || tally.Successes < requests {
		os.Exit(1)
	}
}
