package export

import (
	"context"
	"errors"
)

// errEdited says that an operator has edited CHECKPOINT.
var errEdited = errors.New(CheckpointName + " was edited while the run was at work: the next run acts on it")

// edited looks whether an operator has edited CHECKPOINT since it was read.
func (s *state) edited(ctx context.Context) error {
	p, err := s.Params.Get(ctx, CheckpointName, 0)
	switch {
	case errors.Is(err, ErrNoParameter):
		return nil // deleted: the record's position goes on
	case err != nil:
		return err
	case p.Version > s.checkpoint.Version && p.Value != s.checkpoint.Value:
		s.located = false
		return errEdited
	}
	return nil
}

// announceCheckpoint puts into the record what CHECKPOINT is about to be and
// reports whether it is to be written: with the position, unless that is what
// it says already or an id made from a time, which no event has.
func (s *state) announceCheckpoint() bool {
	id := s.Record.Position
	if !s.located || id == "" || id.Made() {
		return false
	}
	if s.checkpoint.Version != 0 && s.checkpoint.Value == string(id) {
		s.Record.Checkpoint = WrittenCheckpoint{Value: s.checkpoint.Value, Version: s.checkpoint.Version}
		return false
	}
	s.Record.Checkpoint = WrittenCheckpoint{Value: string(id), Version: s.checkpoint.Version + 1}
	return true
}

// writeCheckpoint writes what the saved record announces. An operator's edit
// that the write covers is put back. After an error CHECKPOINT is not written
// again by this run: the record holds one announcement, and what became of it
// is for the next run to find out.
func (s *state) writeCheckpoint(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lastWrite*3/4)
	defer cancel()
	announced := s.Record.Checkpoint
	s.located = false
	before := s.checkpoint.Version
	for value, putBack := announced.Value, false; ; putBack = true {
		version, err := s.Params.Put(ctx, CheckpointName, value)
		if err != nil {
			return err
		}
		if version <= before {
			before = 0 // it was deleted meanwhile: versions count from 1 again
		}
		newest := Parameter{Value: value, Version: version}
		edit, found, err := s.lastEdit(ctx, announced.Value, before+1, newest)
		switch {
		case err != nil:
			return err
		case !found:
			s.checkpoint, s.located = newest, true
			return nil
		case putBack && edit.Value == value:
			return errEdited // it is back on top
		}
		value = edit.Value
	}
}

// lastEdit is the last thing that operators wrote to CHECKPOINT among the
// versions from first to the newest, given that ours is what we wrote. Once a
// write of ours has covered an edit, a value that comes again was put back: it
// counts where it was first written, and what came in between is newer.
func (s *state) lastEdit(ctx context.Context, ours string, first int64, newest Parameter) (last Parameter, found bool, err error) {
	seen := make(map[string]bool)
	covered := false
	for v := max(first, newest.Version-maxSteps+1); v <= newest.Version; v++ {
		p := newest
		if v < newest.Version {
			p, err = getVersion(ctx, s.Params, CheckpointName, v)
			if errors.Is(err, ErrNoParameter) {
				continue
			}
			if err != nil {
				return Parameter{}, false, err
			}
		}
		switch {
		case p.Value == ours:
			covered = covered || found
		case covered && seen[p.Value]:
		default:
			last, found = p, true
			seen[p.Value] = true
		}
	}
	return last, found, nil
}
