package codec_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	jobs "github.com/jobgen/jobgen/internal/emit/testdata/full"
	"github.com/jobgen/jobgen/runtime/codec"
	"github.com/jobgen/jobgen/runtime/value"
)

func TestWhatNoStoreKeepsIsNotWritten(t *testing.T) {
	t.Parallel()
	year10000 := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	var cycle address
	cycle.Next = &cycle
	for what, c := range map[string]struct {
		spoil      func(*jobs.EveryJob)
		path, says string
	}{
		"a NUL":                    {func(v *jobs.EveryJob) { v.Odd = "12345678\x00" }, "a b/c:ü", "NUL"},
		"a NUL in a struct":        {func(v *jobs.EveryJob) { v.Address.Street = "\x00" }, "address.street", "NUL"},
		"a NUL in a key":           {func(v *jobs.EveryJob) { v.Parcels = map[string]jobs.Address{"a\x00": {}} }, "parcels.a\x00", "NUL"},
		"a NUL in a map":           {func(v *jobs.EveryJob) { v.Parcels = map[string]jobs.Address{"a": {Street: "\x00"}} }, "parcels.a.street", "NUL"},
		"a NUL in JSON":            {func(v *jobs.EveryJob) { v.FJson = json.RawMessage(`{"a":"\\\u0000"}`) }, "f_json.a", "NUL"},
		"a NUL in a Go type":       {func(v *jobs.EveryJob) { v.URL.Host = "\x00" }, "url.Host", "NUL"},
		"no UTF-8":                 {func(v *jobs.EveryJob) { v.FString = "abc\xff" }, "f_string", "UTF-8"},
		"a surrogate":              {func(v *jobs.EveryJob) { v.OString = ptr("\xed\xa0\x80") }, "o_string", "UTF-8"},
		"no UTF-8 in JSON":         {func(v *jobs.EveryJob) { v.FJson = json.RawMessage("\"\xff\"") }, "f_json", "UTF-8"},
		"no UTF-8 in a Go type":    {func(v *jobs.EveryJob) { v.URL.Host = "\xff" }, "url.Host", "UTF-8"},
		"half a surrogate in JSON": {func(v *jobs.EveryJob) { v.FJson = json.RawMessage(`"\ud800"`) }, "f_json", "surrogate"},
		"broken JSON":              {func(v *jobs.EveryJob) { v.FJson = json.RawMessage(`{"open":`) }, "f_json", "ends too early"},
		"two values":               {func(v *jobs.EveryJob) { v.FJson = json.RawMessage(`1 2`) }, "f_json", "the end is needed"},
		"no JSON":                  {func(v *jobs.EveryJob) { v.OJson = json.RawMessage{} }, "o_json", "ends too early"},
		"deep JSON": {func(v *jobs.EveryJob) {
			v.FJson = json.RawMessage(strings.Repeat("[", 2000) + strings.Repeat("]", 2000))
		}, "f_json", "1000 levels deep"},
		"NaN":                       {func(v *jobs.EveryJob) { v.FFloat64 = math.NaN() }, "f_float64", "NaN"},
		"an infinity":               {func(v *jobs.EveryJob) { v.OFloat64 = ptr(math.Inf(-1)) }, "o_float64", "-Inf"},
		"the year 10000":            {func(v *jobs.EveryJob) { v.FTime = year10000 }, "f_time", "year outside of range"},
		"a value no enum has":       {func(v *jobs.EveryJob) { v.List = []*jobs.Status{nil, ptr(jobs.Status("x"))} }, "list[1]", `has no value "x"`},
		"a text that is too long":   {func(v *jobs.EveryJob) { v.FString = strings.Repeat("x", codec.MaxSize) }, "f_string", "more than the 16777216"},
		"bytes that are too long":   {func(v *jobs.EveryJob) { v.FBytes = make([]byte, codec.MaxSize) }, "f_bytes", "more than the 16777216"},
		"a list that is too long":   {func(v *jobs.EveryJob) { v.Dates = make([]value.Date, codec.MaxSize/10) }, "dates[", "more than the 16777216"},
		"escapes that are too long": {func(v *jobs.EveryJob) { v.FString = strings.Repeat("\x01", codec.MaxSize/5) }, "f_string", "more than the 16777216"},
		"JSON that is too long":     {func(v *jobs.EveryJob) { v.FJson = json.RawMessage(`"` + strings.Repeat("x", codec.MaxSize) + `"`) }, "f_json", "more than the 16777216"},
	} {
		v := jobs.EveryJob{FJson: json.RawMessage("0")}
		c.spoil(&v)
		dst := []byte("before")
		out, err := codec.Append(dst, &v)
		if string(out) != "before" {
			t.Errorf("%s: %d bytes were returned", what, len(out))
		}
		var ce *codec.Error
		if errors.As(err, &ce) && strings.HasSuffix(c.path, "[") && strings.HasPrefix(ce.Path, c.path) {
			c.path = ce.Path
		}
		wrong(t, what, err, c.path, c.says)
	}
	_, err := codec.Append(nil, &cycle)
	if err == nil || !strings.Contains(err.Error(), "1000 levels deep") {
		t.Errorf("a cycle: %.200v", err)
	}
}

// A payload decides how long its paths are, and errors are logged.
func TestALongPathIsCutShort(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(v *jobs.EveryJob){
		"deep JSON": func(v *jobs.EveryJob) {
			v.FJson = json.RawMessage(strings.Repeat("[", 900) + `"\u0000"` + strings.Repeat("]", 900))
		},
		"a long key": func(v *jobs.EveryJob) {
			v.Parcels = map[string]jobs.Address{strings.Repeat("ü", 1<<20): {Street: "\x00"}}
		},
		"a long key that is not UTF-8": func(v *jobs.EveryJob) {
			v.Parcels = map[string]jobs.Address{strings.Repeat("\x80", 1<<20): {}}
		},
		"a long key in JSON": func(v *jobs.EveryJob) {
			v.FJson = json.RawMessage(`{"` + strings.Repeat("ü", 1<<20) + `":"\u0000"}`)
		},
	} {
		v := jobs.EveryJob{FJson: json.RawMessage("0")}
		spoil(&v)
		_, err := codec.Append(nil, &v)
		var ce *codec.Error
		if !errors.As(err, &ce) || len(ce.Path) > 400 || !strings.HasSuffix(ce.Path, "…") {
			t.Errorf("%s: an error of %d bytes: %.500v", what, len(err.Error()), err)
		}
	}
}

func TestAStringWithoutEscapesIsOneAllocation(t *testing.T) {
	data := []byte(`{"account_id":"1","email_id":"` + strings.Repeat("ä text ", 100) + `"}`)
	v := new(email)
	if n := testing.AllocsPerRun(100, func() { _ = codec.Unmarshal(data, v) }); n > 1 {
		t.Errorf("reading takes %v allocations, want 1", n)
	}
	dst := make([]byte, 0, len(data))
	if n := testing.AllocsPerRun(100, func() { _, _ = codec.Append(dst, v) }); n > 0 {
		t.Errorf("writing takes %v allocations, want none", n)
	}
	o := anOrder
	o.Labels = nil
	dst = make([]byte, 0, 1000)
	if n := testing.AllocsPerRun(100, func() { _, _ = codec.Append(dst, &o) }); n > 0 {
		t.Errorf("writing lists and structs takes %v allocations, want none", n)
	}
}
