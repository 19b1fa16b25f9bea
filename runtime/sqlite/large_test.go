package sqlite_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite"
)

// text is n bytes that no other seed gives.
func text(seed, n int) string {
	return strings.Repeat(string(rune('a'+seed%26))+"-"+strings.Repeat("x", 1+seed%7), n/3+1)[:n]
}

func TestABatchOfLargePayloadsIsClaimedByteForByte(t *testing.T) {
	t.Parallel()
	const most = 16 << 20
	large := runtime.NewCatalogue(noteJob).WithMaxPayloadSize(most)
	store, err := sqlite.Open(t.Context(), newPath(t), large, sqlite.WithSynchronousNormal())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	const around = len(`{"text":""}`)
	sizes := []int{around, 1 << 20, 1<<21 - 1, 1 << 21, 1<<21 + 1, 5 << 20, 100, 1 << 22, 1<<22 + 1, 1<<24 - 1, most, around}
	var batch []note
	for i, size := range sizes {
		batch = append(batch, note{text(i, size-around)})
	}
	ids, err := runtime.EnqueueBatch(t.Context(), store, noteJob, batch)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[snowflake.ID]string)
	for i, id := range ids {
		want[id] = `{"text":"` + batch[i].Text + `"}`
	}
	claimed, err := notes(t, store).Driver().Claim(t.Context(), driver.ClaimRequest{Handler: "h", Limit: len(sizes)})
	if err != nil || len(claimed.Rows) != len(sizes) {
		t.Fatalf("claimed %d jobs, %v; want %d", len(claimed.Rows), err, len(sizes))
	}
	for _, row := range claimed.Rows {
		if got := string(row.Payload); got != want[row.ID] {
			t.Errorf("a payload of %d bytes was claimed as %d bytes, or as others", len(want[row.ID]), len(got))
		}
	}
}

func TestManyLongLogsAreKeptByteForByte(t *testing.T) {
	t.Parallel()
	store := open(t, newPath(t), sqlite.WithSynchronousNormal())
	const n = 200 // 13 MB of logs
	if _, err := runtime.EnqueueBatch(t.Context(), store, noteJob, make([]note, n)); err != nil {
		t.Fatal(err)
	}
	queue := notes(t, store).Driver()
	claimed, err := queue.Claim(t.Context(), driver.ClaimRequest{Handler: "h", Limit: n})
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([]driver.Outcome, n)
	for i, row := range claimed.Rows {
		outcomes[i] = driver.Outcome{Attempt: driver.Attempt{Job: row.ID}, Log: []byte(text(i, driver.MaxLogSize-i))}
	}
	if _, err := queue.Finish(t.Context(), "h", outcomes); err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		log, found, err := queue.Log(t.Context(), o.Attempt)
		if err != nil || !found || !log.Success || !bytes.Equal(log.Text, o.Log) {
			t.Fatalf("a log of %d bytes came back as %d, %v", len(o.Log), len(log.Text), err)
		}
	}
}
