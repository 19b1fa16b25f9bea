package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestEachStepHasAFigure(t *testing.T) {
	t.Parallel()
	var table, progress bytes.Buffer
	if err := run(t.Context(), []string{"-jobs", "3", "-rounds", "1"}, &table, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, row := range []string{
		"\n| generate, nothing there | jobgen | ", "\n| generate, nothing there | protoc-gen-go | ", "\n| generate, one job changed | jobgen | ",
		"\n| generate, nothing changed | jobgen | ", "\n| check | jobgen | ", "\n| go build of the package | jobgen | ", "\n| go build of the package | protoc-gen-go | ",
	} {
		if strings.Count(table.String(), row) != 1 {
			t.Errorf("the table has no row %q:\n%s", row, &table)
		}
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-jobs", "0"}, {"-rounds", "0"}, {"-x"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
