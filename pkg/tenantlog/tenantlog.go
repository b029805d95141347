// Package tenantlog holds what the product talks about: an Auth0 tenant's log
// events, the ids that order them, and the types that classify them. It is
// pure: no clock, no network, and nothing of the project imported.
package tenantlog

import "time"

// Event is one log event of an Auth0 tenant.
type Event struct {
	// ID is the event's log_id; it orders events and tells them apart.
	ID ID
	// Type is the event's type code, such as "fp". Auth0 adds codes without
	// notice, so it may be one that the type table does not know, or empty.
	Type string
	// Date is when the event happened, in UTC. It is the zero time only where
	// neither the document nor its id says.
	Date time.Time
	// Raw is the event's JSON document: the bytes that Auth0 sent.
	Raw []byte

	// checked are the bytes that were found to be an object: Raw, as long as
	// nobody has put something else there.
	checked []byte
}

// IsObject reports whether Raw is a JSON object and nothing else, without a
// look at it where it is what DecodePage or Decode put there.
func (e Event) IsObject() bool {
	if len(e.Raw) == 0 {
		return false
	}
	if len(e.Raw) == len(e.checked) && &e.Raw[0] == &e.checked[0] {
		return true
	}
	s := scanner{text: e.Raw}
	return s.object(nil) && s.pos == len(e.Raw)
}

// Page is what one request for log events answered, in the order of its ids.
type Page struct {
	Events []Event
	// Next is the id after which the following page begins. On an empty page
	// it is not a position: Auth0 repeats there what it was asked.
	Next ID
	// ServerTime is Auth0's own clock (the Date header), zero where it was
	// not sent. It is whole seconds.
	ServerTime time.Time
}
