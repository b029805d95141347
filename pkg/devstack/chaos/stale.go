package chaos

import (
	"strings"
	"sync"
)

// staleness hides new versions of RUN and CHECKPOINT from the first read of
// some operations.
type staleness struct {
	mu   sync.Mutex
	ops  map[string]bool
	seen map[string]int64
	used bool
}

func (s *staleness) start(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ops == nil {
		s.ops, s.seen = make(map[string]bool), make(map[string]int64)
	}
	s.ops[op], s.used = true, true
}

func (s *staleness) end(op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ops[op] = false
}

// hides is for ssm.Options.Stale.
func (s *staleness) hides(op, name string, version int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := op + name
	if !s.ops[op] || version <= s.seen[key] || !strings.HasSuffix(name, "/"+runName) && !strings.HasSuffix(name, "/"+checkpointName) {
		return false
	}
	s.seen[key] = version
	return true
}
