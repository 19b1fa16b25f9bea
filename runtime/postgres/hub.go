package postgres

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/internal/wake"
)

// A hub is what this process knows of one queue: who waits for its jobs, who
// holds its claims, and where claiming has got to.
type hub struct {
	arrived *wake.One
	revoked wake.All
	counts  *shared[runtime.JobQueueStats]

	crowd crowd

	mu          sync.Mutex
	views       map[string]*view // by the job types that are claimed together
	sweepAlways bool
}

// view returns where claiming has got to for handlers of these types.
func (h *hub) view(types []runtime.TypeVersion) *view {
	key := fmt.Sprintf("%q", types)
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.views[key]
	if v == nil {
		v = &view{types: slices.Clone(types), always: h.sweepAlways}
		h.views[key] = v
	}
	return v
}

// setBack makes every view look at jobs that became due at due once more.
func (h *hub) setBack(priority int16, due time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.views {
		v.setBack(priority, due)
	}
}

// forget makes every view begin anew.
func (h *hub) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.views {
		v.sweepSoon()
	}
}

// hubs are the hubs of all queues by number.
type hubs struct {
	mu          sync.Mutex
	byNumber    map[int32]*hub
	sweepAlways bool // with every claim
}

func (h *hubs) get(number int32) *hub {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byNumber == nil {
		h.byNumber = make(map[int32]*hub)
	}
	one := h.byNumber[number]
	if one == nil {
		one = &hub{arrived: wake.NewOne(), counts: newShared[runtime.JobQueueStats](), views: make(map[string]*view), sweepAlways: h.sweepAlways}
		h.byNumber[number] = one
	}
	return one
}

// each calls do for every hub.
func (h *hubs) each(do func(*hub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.byNumber {
		do(one)
	}
}
