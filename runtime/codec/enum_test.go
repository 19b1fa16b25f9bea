package codec_test

import (
	"strings"
	"testing"

	"github.com/jobgen/jobgen/runtime/codec"
)

type colour string

func TestEnumRefusesWhatIsNotDeclared(t *testing.T) {
	t.Parallel()
	if text, err := codec.MarshalEnum(colour("red"), true); err != nil || string(text) != "red" {
		t.Errorf("red: %s, %v", text, err)
	}
	_, err := codec.MarshalEnum(colour("rde"), false)
	if err == nil || !strings.Contains(err.Error(), `"rde"`) {
		t.Errorf("rde: %v", err)
	}
}
