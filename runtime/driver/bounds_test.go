package driver_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jobgen/jobgen/runtime/driver"
)

func FuzzReasonsCanBeKept(f *testing.F) {
	for _, reason := range []string{"", "no", "nul \x00", "\xff\xfe", "é"} {
		f.Add(reason, uint16(1))
		f.Add(reason, uint16(9000))
	}
	f.Fuzz(func(t *testing.T, part string, times uint16) {
		if len(part)*int(times) > 1<<20 {
			return
		}
		reason := strings.Repeat(part, int(times))
		kept := driver.CleanReason(reason)
		if len(kept) > driver.MaxReasonSize || !utf8.ValidString(kept) || strings.ContainsRune(kept, 0) {
			t.Errorf("%d bytes are kept, which no store can: %.100q", len(kept), kept)
		}
		if len(reason) <= driver.MaxReasonSize && utf8.ValidString(reason) && !strings.ContainsRune(reason, 0) && kept != reason {
			t.Errorf("%.100q became %.100q", reason, kept)
		}
		if again := driver.CleanReason(kept); again != kept {
			t.Errorf("what is kept changes again: %.100q", again)
		}
	})
}
