#!/bin/sh
# make.sh MODULE writes the program encode of a story's module, with every
# payload that was generated there.
set -e
mkdir encode
sed "s,MODULE,$1," "$JOBGEN/cmd/jobgen/testdata/encode/main.go.txt" >encode/main.go
{
	printf 'package main\n\nimport (\n\t"github.com/jobgen/jobgen/runtime"\n\n\t"%s/gen/jobs"\n)\n\n' "$1"
	printf 'var payloads = map[runtime.JobType]func() any{\n'
	sed -n 's/^type \([A-Za-z0-9]*Job\) struct.*/\tjobs.\1Type: func() any { return new(jobs.\1) },/p' gen/jobs/*_job.gen.go
	printf '}\n'
} >encode/payloads.go
