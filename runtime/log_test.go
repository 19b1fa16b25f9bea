package runtime_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/jobgen/jobgen/runtime"
	"github.com/jobgen/jobgen/runtime/driver"
)

var cutMark = regexp.MustCompile(`\n\[\.\.\. (\d+) bytes cut \.\.\.\]\n`)

// FuzzLogKeepsHeadAndTail writes a log in pieces as script says, two bytes for
// the size of each and one for how, and looks at what is kept. The text is
// numbers in order, so that each piece of it is found in one place.
func FuzzLogKeepsHeadAndTail(f *testing.F) {
	var numbers bytes.Buffer
	for n := 0; numbers.Len() < 2<<20; n++ {
		fmt.Fprintf(&numbers, "%d ", n)
	}
	const k = 0x40 // a piece of 16 KiB
	f.Add([]byte{})
	f.Add([]byte{0, 1, 0})
	f.Add([]byte{k, 0, 0, k, 0, 1, k, 0, 2, k, 0, 3})
	f.Add([]byte{k, 0, 0, k, 0, 1, k, 0, 2, k, 0, 3, 0, 1, 0})
	f.Add(bytes.Repeat([]byte{k, 0, 0}, 9))
	f.Add(bytes.Repeat([]byte{0xff, 0xff, 1}, 20))
	f.Add(append(bytes.Repeat([]byte{0xff, 0xff, 3}, 5), 0, 0, 4, 0, 9, 0))
	f.Fuzz(func(t *testing.T, script []byte) {
		var claim runtime.JobClaim
		var all []byte
		for ; len(script) >= 3; script = script[3:] {
			size := int(script[0])<<8 | int(script[1])
			if len(all)+size > numbers.Len() {
				break
			}
			piece := numbers.Bytes()[len(all) : len(all)+size]
			switch script[2] % 6 {
			case 0:
				_, _ = claim.Write(piece)
			case 1:
				_, _ = claim.WriteString(string(piece))
			case 2:
				_, _ = claim.ReadFrom(bytes.NewReader(piece))
			case 3:
				for _, b := range piece {
					_ = claim.WriteByte(b)
				}
			case 4:
				claim.Reset()
				all, piece = nil, nil
			case 5:
				_ = claim.Bytes() // changes nothing
				_, _ = claim.Write(piece)
			}
			all = numbers.Bytes()[:len(all)+len(piece)]
			if claim.Len() > 2*driver.MaxLogSize {
				t.Fatalf("%d bytes are held", claim.Len())
			}
		}
		kept := claim.Bytes()
		if again := driver.CutLog(kept, 0); !bytes.Equal(kept, again) {
			t.Fatalf("what is kept, %d bytes, is cut again, to %d", len(kept), len(again))
		}
		checkCut(t, all, kept)
		checkCut(t, all, driver.CutLog(all, 0))
	})
}

// checkCut checks what is kept of a log.
func checkCut(t *testing.T, all, kept []byte) {
	t.Helper()
	if len(all) <= driver.MaxLogSize {
		if !bytes.Equal(kept, all) {
			t.Fatalf("of %d bytes, which is no more than there may be, %d are kept", len(all), len(kept))
		}
		return
	}
	marks := cutMark.FindAllSubmatchIndex(kept, -1)
	if len(kept) > driver.MaxLogSize || len(marks) != 1 {
		t.Fatalf("%d bytes with %d marks are kept of %d", len(kept), len(marks), len(all))
	}
	head, tail := kept[:marks[0][0]], kept[marks[0][1]:]
	cut, err := strconv.Atoi(string(kept[marks[0][2]:marks[0][3]]))
	if err != nil || len(head)+cut+len(tail) != len(all) {
		t.Errorf("%d bytes, %d said to be cut, and %d bytes are not the %d there were (%v)", len(head), cut, len(tail), len(all), err)
	}
	if !bytes.HasPrefix(all, head) || !bytes.HasSuffix(all, tail) {
		t.Error("what is kept is not head and tail")
	}
	if least := driver.MaxLogSize/2 - 64; len(head) < least || len(tail) < least {
		t.Errorf("head %d and tail %d are less than half of what may be kept each", len(head), len(tail))
	}
}
