package codec_test

import (
	"fmt"
	"strings"
	"testing"

	jobs "github.com/jobgen/jobgen/internal/emit/testdata/full"
	"github.com/jobgen/jobgen/internal/fieldtype"
	"github.com/jobgen/jobgen/runtime/codec"
)

// TestErrorsOfReadingTellNothingOfWhatWasRead puts values into every field that
// do not fit: the error, which is kept with the attempt and logged, must not
// tell them.
func TestErrorsOfReadingTellNothingOfWhatWasRead(t *testing.T) {
	t.Parallel()
	fields := []string{"list", "table", "address", "url", "a b/c:ü", "dates", "deep", "parcels", "addrs", "anything"}
	for _, name := range fieldtype.Names() {
		fields = append(fields, "f_"+name, "o_"+name)
	}
	refused := 0
	for _, field := range fields {
		for _, value := range []string{
			`"MARKER"`, `98765432198765432198`, `987654321.5`, `"98765432198765432198"`, `{"MARKER":"MARKER"}`, `{"MARKER":987654321}`, `["MARKER"]`,
			`[987654321]`, `[{"MARKER":987654321}]`, `{"MARKER":{"MARKER":[]}}`, `MARKER`, `"MARKER`, `"MARKER\q"`, `{"MARKER"}`, `[98765432198765432198]`,
		} {
			var v jobs.EveryJob
			err := codec.Unmarshal(fmt.Appendf(nil, `{%q:%s}`, field, value), &v)
			if err == nil {
				continue
			}
			refused++
			if strings.Contains(err.Error(), "MARKER") || strings.Contains(err.Error(), "987654321") {
				t.Errorf("field %s, value %s: %v", field, value, err)
			}
		}
	}
	if refused < 300 {
		t.Errorf("only %d values were refused", refused)
	}
}
