package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/jobgen/jobgen/runtime/driver"
)

// Complete says that this attempt succeeded; see [JobQueue]. On a nil claim it
// returns [ErrJobNotClaimed].
func (c *JobClaim) Complete(ctx context.Context) error {
	if c == nil {
		return ErrJobNotClaimed
	}
	return c.Queue.Complete(ctx, c.JobID, c.HandlerID, c.AttemptNumber, c.Bytes())
}

// Fail says that this attempt failed and why; see [JobQueue]. On a nil claim
// it returns [ErrJobNotClaimed].
func (c *JobClaim) Fail(ctx context.Context, reason string) error {
	if c == nil {
		return ErrJobNotClaimed
	}
	return c.Queue.Fail(ctx, c.JobID, c.HandlerID, c.AttemptNumber, reason, c.Bytes())
}

// CompleteIn is Complete through service, which a back end has bound to the
// handler's own transaction: what the transaction writes and the completion
// commit together or not at all. Roll back on an error. The [Worker], which
// completes the attempt once more after the handler returned nil, finds it
// completed and leaves it so.
func (c *JobClaim) CompleteIn(ctx context.Context, service JobService) error {
	if c == nil {
		return ErrJobNotClaimed
	}
	queue, err := service.GetQueue(ctx, c.Queue.Name())
	if err != nil {
		return fmt.Errorf("complete job %d in a transaction: %w", c.JobID, err)
	}
	return queue.Complete(ctx, c.JobID, c.HandlerID, c.AttemptNumber, c.Bytes())
}

// Write appends to the attempt's log. It never fails.
func (c *JobClaim) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Buffer.Write(p)
	c.bound()
	return len(p), nil
}

// WriteString appends to the attempt's log. It never fails.
func (c *JobClaim) WriteString(s string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Buffer.WriteString(s)
	c.bound()
	return len(s), nil
}

// WriteByte appends to the attempt's log. It never fails.
func (c *JobClaim) WriteByte(b byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Buffer.WriteByte(b)
	c.bound()
	return nil
}

// WriteRune appends to the attempt's log. It never fails.
func (c *JobClaim) WriteRune(r rune) (int, error) {
	return c.WriteString(string(r))
}

// ReadFrom appends what it reads from r to the attempt's log.
func (c *JobClaim) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}

// WriteTo writes the attempt's log so far to w and, unlike [bytes.Buffer]'s,
// leaves the log as it is.
func (c *JobClaim) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(c.Bytes())
	return int64(n), err
}

// Bytes returns a copy of the attempt's log so far.
func (c *JobClaim) Bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Buffer.Len() == 0 {
		return nil
	}
	return bytes.Clone(driver.CutLog(c.Buffer.Bytes(), c.dropped))
}

// String returns the attempt's log so far.
func (c *JobClaim) String() string {
	if c == nil {
		return "<nil>"
	}
	return string(c.Bytes())
}

// Len returns the size in bytes of the log held so far.
func (c *JobClaim) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Buffer.Len()
}

// Reset empties the attempt's log.
func (c *JobClaim) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Buffer.Reset()
	c.dropped = 0
}

// bound keeps head and tail of a log that has grown to twice its limit.
func (c *JobClaim) bound() {
	if c.Buffer.Len() <= 2*driver.MaxLogSize {
		return
	}
	b := c.Buffer.Bytes()
	drop := len(b) - driver.MaxLogSize
	half := driver.MaxLogSize / 2
	copy(b[half:], b[half+drop:])
	c.Buffer.Truncate(driver.MaxLogSize)
	c.dropped += int64(drop)
}

// Claim blocks until it has claimed a job of queue for handlerID, and returns
// it. Each round it tries to steal first with probability stealChance (0 to
// 1), then to claim; finding nothing it waits for a notification or pollTime,
// whichever comes first. It returns ctx.Err() when ctx ends first, and any
// other error of the queue as it is.
func Claim(ctx context.Context, queue JobQueue, handlerID string, pollTime time.Duration, stealChance float64) (*Job, error) {
	for {
		if stealChance > 0 && rand.Float64() < stealChance {
			job, err := queue.TrySteal(ctx, handlerID)
			if !errors.Is(err, ErrJobNotFound) {
				return job, err
			}
		}
		job, err := queue.TryClaim(ctx, handlerID)
		if !errors.Is(err, ErrJobNotFound) {
			return job, err
		}
		if err := waitForJob(ctx, queue, pollTime); err != nil {
			return nil, err
		}
	}
}

// minPollTime keeps a poll time of zero from spinning on the store.
const minPollTime = time.Millisecond

// waitForJob waits for a notification or pollTime and returns an error only
// when ctx has ended: a queue that cannot notify is polled.
func waitForJob(ctx context.Context, queue JobQueue, pollTime time.Duration) error {
	wait, cancel := context.WithTimeout(ctx, max(pollTime, minPollTime))
	defer cancel()
	if err := queue.WaitForJob(wait); err != nil && ctx.Err() == nil {
		<-wait.Done()
	}
	return ctx.Err()
}
