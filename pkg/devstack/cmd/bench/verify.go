package main

import (
	"context"
	"encoding/json"
	"fmt"

	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
	"auth0-logs-to-cloudwatch/pkg/tenantlog"
)

// fewVerified and manyVerified are the events that are compared to see whether
// the memory grows with them.
const fewVerified, manyVerified = 15_000, 150_000

// verifications holds the memory of comparing few and many events against each
// other.
func verifications(ctx context.Context, b *bench) ([]figure, error) {
	few, err := b.verified(ctx, fewVerified)
	if err != nil {
		return nil, err
	}
	many, err := b.verified(ctx, manyVerified)
	if err != nil {
		return nil, err
	}
	return []figure{
		info(fmt.Sprintf("peak comparing %s events", number(fewVerified)), few, "MB").is(atMost, maxPeakMB),
		info(fmt.Sprintf("peak comparing %s events", number(manyVerified)), many, "MB").is(atMost, maxPeakMB),
		ratio("peak comparing ten times the events / a tenth", many/few).is(atMost, maxGrowth),
	}, nil
}

// verified is the most resident memory that comparing n events needs, in MB. It
// fails where they are not found complete.
func (b *bench) verified(ctx context.Context, n int) (float64, error) {
	bootstrap, err := b.exporter()
	if err != nil {
		return 0, err
	}
	s, err := b.stage(scene{keep: true})
	if err != nil {
		return 0, err
	}
	defer s.close()
	s.week(n)
	if _, err := s.run(ctx, bootstrap); err != nil {
		return 0, err
	}
	f, err := s.function(bootstrap, func(o *lambda.Options) { o.Env["CLAIM_GRACE"] = "1s" })
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var last tenantlog.ID
	for last = range s.tenant.Documents() { //nolint:revive // the last is wanted
	}
	r, err := f.Invoke(ctx, fmt.Appendf(nil, `{"action":"verify","from":"-8d","to":%q}`, last))
	if err != nil {
		return 0, err
	}
	var result struct {
		Verify struct {
			Complete bool `json:"complete"`
			Expected int  `json:"expected"`
		} `json:"verify"`
	}
	if err := json.Unmarshal(r.Payload, &result); err != nil || !result.Verify.Complete || result.Verify.Expected != n {
		return 0, fmt.Errorf("the verification of %d events answers %.300s", n, r.Payload)
	}
	peak := float64(r.Usage.PeakRSS) / (1 << 20)
	b.say("%d events compared: %.1f MB", n, peak)
	return peak, nil
}
