package main

import (
	"context"
	"time"

	"auth0-logs-to-cloudwatch/pkg/devstack/lambda"
)

// starts holds the export's cold start, from the start of the process until it
// first asks for work, against that of a function that does nothing.
func starts(ctx context.Context, b *bench) ([]figure, error) {
	const rounds = 30
	s, err := b.stage(scene{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	var functions [2]*lambda.Function
	for i, program := range []func() (string, error){b.exporter, b.hello} {
		bootstrap, err := program()
		if err != nil {
			return nil, err
		}
		if functions[i], err = s.function(bootstrap, nil); err != nil {
			return nil, err
		}
		defer functions[i].Close()
	}
	var took [2][]time.Duration
	for range rounds {
		for i, f := range functions {
			d, err := coldStart(ctx, f)
			if err != nil {
				return nil, err
			}
			took[i] = append(took[i], d)
		}
	}
	ours, hello := median(took[0])/float64(time.Millisecond), median(took[1])/float64(time.Millisecond)
	return []figure{
		info("process start to the first /next", ours, "ms"),
		info("the same of a function that does nothing", hello, "ms"),
		ratio("start / of a function that does nothing", ours/hello).is(atMost, 1.5),
	}, nil
}

// coldStart measures a start. The event is one that the export refuses without
// a call to any service.
func coldStart(ctx context.Context, f *lambda.Function) (time.Duration, error) {
	f.Cool()
	r, err := f.Invoke(ctx, []byte(`{"bench":true}`))
	return r.InitDuration, err
}
