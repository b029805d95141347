package paramstore

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"auth0-logs-to-cloudwatch/pkg/export"
)

// MayWrite finds out whether a parameter may be written, and writes nothing: it
// sends a put that cannot succeed. A parameter that is there is not to be
// overwritten, and one that is not there is not made without a type (API
// reference, PutParameter). Who may not write it is refused before either is
// looked at. The errors are *export.Error.
func (s *Store) MayWrite(ctx context.Context, name string) error {
	full := s.path + "/" + name
	_, err := write(ctx, func(ctx context.Context) (*ssm.PutParameterOutput, error) {
		return s.client.PutParameter(ctx, &ssm.PutParameterInput{
			Name: aws.String(full), Value: aws.String("test"), Overwrite: aws.Bool(false),
		})
	})
	switch {
	case err == nil:
		return &export.Error{Kind: export.KindState, Text: full + " was made by a write that should have been refused.",
			Fix: "delete it, and report this as a fault of auth0-logs-to-cloudwatch."}
	case isRefusedAsMeant(err):
		return nil
	}
	return s.explain(err, "ssm:PutParameter", full)
}

// isRefusedAsMeant reports whether a put was refused for the parameter that is
// there, or for the type that a new one lacks.
func isRefusedAsMeant(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && (api.ErrorCode() == "ParameterAlreadyExists" || api.ErrorCode() == "ValidationException")
}

// ServerTime is Parameter Store's clock, in whole seconds: zero where it does
// not tell. The errors are *export.Error.
func (s *Store) ServerTime(ctx context.Context) (time.Time, error) {
	out, err := withTimeout(ctx, func(ctx context.Context) (*ssm.GetParametersByPathOutput, error) {
		return s.client.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{Path: aws.String(s.path), MaxResults: aws.Int32(1)})
	})
	if err != nil {
		return time.Time{}, s.explain(err, "ssm:GetParametersByPath", s.path)
	}
	at, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
	return at, nil
}
