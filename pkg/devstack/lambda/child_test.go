package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// role names what the test binary is when it is started as a child process:
// unset, it runs the tests.
const role = "DEVSTACK_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "function":
		awslambda.Start(handle)
	case "broken":
		fmt.Println("cannot start")
		os.Exit(3)
	case "refused":
		refuseToStart()
	case "stuck":
		select {}
	case "impatient":
		impatient()
	case "parent":
		parent()
	}
}

// order is the event that the child function obeys.
type order struct {
	Do   string `json:"do"`
	Text string `json:"text,omitempty"`
	Size int    `json:"size,omitempty"`
}

// seen is what the child function tells about itself.
type seen struct {
	PID       int
	RequestID string
	ARN       string
	TraceID   string
	Deadline  time.Time
	Env       []string
	Dir       string
}

// refusal is an error with a type of its own.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func handle(ctx context.Context, o order) (any, error) {
	switch o.Do {
	case "look":
		return look(ctx), nil
	case "print":
		fmt.Println(o.Text)
	case "print unfinished":
		fmt.Print(o.Text)
	case "fail":
		return nil, &refusal{o.Text}
	case "panic":
		panic(o.Text)
	case "exit":
		fmt.Print(o.Text)
		os.Exit(o.Size)
	case "hang":
		fmt.Println("hanging")
		select {}
	case "size":
		return strings.Repeat("x", o.Size), nil
	case "hang after":
		return hangAfter{strings.NewReader(o.Text)}, nil
	}
	return o, nil
}

func look(ctx context.Context) seen {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	dir, _ := os.Getwd()
	return seen{
		PID: os.Getpid(), RequestID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn,
		TraceID: os.Getenv("_X_AMZN_TRACE_ID"), Deadline: deadline, Env: os.Environ(), Dir: dir,
	}
}

// hangAfter is an answer whose sender never gets to ask for more.
type hangAfter struct{ *strings.Reader }

func (hangAfter) Close() error { select {} }

func (hangAfter) MarshalJSON() ([]byte, error) { return nil, errors.New("sent as it is") }

// refuseToStart says that it cannot start, as a runtime does whose
// initialization fails.
func refuseToStart() {
	body := `{"errorType":"Extension.NoConfig","errorMessage":"no configuration"}`
	for range 2 {
		_, _ = http.Post(runtimeURL("init/error"), "application/json", strings.NewReader(body))
	}
	resp, err := http.Get(runtimeURL("invocation/next"))
	fmt.Println("then next:", status(resp, err))
	os.Exit(1)
}

// impatient breaks the rules of the runtime API and prints what it is told.
func impatient() {
	resp, err := http.Get(runtimeURL("invocation/next"))
	if err != nil {
		os.Exit(1)
	}
	id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
	post := func(path string) string {
		return status(http.Post(runtimeURL(path), "application/json", strings.NewReader(`"done"`)))
	}
	fmt.Println("next without an answer:", status(http.Get(runtimeURL("invocation/next"))))
	fmt.Println("another's answer:", post("invocation/0/response"))
	fmt.Println("init error too late:", post("init/error"))
	fmt.Println("answer:", post("invocation/"+id+"/response"))
	fmt.Println("second answer:", post("invocation/"+id+"/error"))
	_, _ = http.Get(runtimeURL("invocation/next"))
}

func runtimeURL(path string) string {
	return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/" + path
}

func status(resp *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	var doc errorDocument
	_ = json.NewDecoder(resp.Body).Decode(&doc)
	return strings.TrimSpace(resp.Status + " " + doc.Type)
}

// parent starts a function, says which process it is, and has it hang.
func parent() {
	f, err := New(Options{
		Bootstrap: os.Args[0],
		Env:       map[string]string{role: "function"},
		Timeout:   15 * time.Minute,
		Stdout:    os.Stdout,
	})
	if err != nil {
		os.Exit(1)
	}
	res, err := f.Invoke(context.Background(), []byte(`{"do":"look"}`))
	if err != nil {
		os.Exit(1)
	}
	fmt.Printf("%s\n", res.Payload)
	_, _ = f.Invoke(context.Background(), []byte(`{"do":"hang"}`))
}
