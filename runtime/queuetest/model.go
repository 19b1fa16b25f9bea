package queuetest

import "testing"

func RunModel(t *testing.T, h Harness) {}
func Bench(b *testing.B, h Harness)    {}
