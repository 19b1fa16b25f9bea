package codec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jobgen/jobgen/runtime/codec"
)

// wrong asks that err is a codec.Error at path that says what.
func wrong(t *testing.T, what string, err error, path, says string) {
	t.Helper()
	var ce *codec.Error
	if !errors.As(err, &ce) {
		t.Errorf("%.80s: error %v, want one at %q", what, err, path)
		return
	}
	if ce.Path != path || !strings.Contains(ce.Error(), says) {
		t.Errorf("%.80s: error at %q: %.200v; want one at %q that says %q", what, ce.Path, ce, path, says)
	}
}

func ptr[T any](v T) *T { return &v }
