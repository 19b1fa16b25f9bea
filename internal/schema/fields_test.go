package schema_test

import (
	"strings"
	"testing"

	"github.com/jobgen/jobgen/internal/schema"
)

const fieldHead = "version: 1\npackage: example.com/shop/gen/jobs\nqueues: {q: {}}\ntypes: {size: {enum: [s, \"1\"]}, line: {fields: {a: int}}}\njobs:\n  a:\n    queue: q\n    payload:\n      "

func TestADefaultIsAValueOfItsType(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"x: {type: string, default: a}":             `"a"`,
		"x: {type: string, default: \"1\"}":         `"1"`,
		"x: {type: string, default: \"\"}":          `""`,
		"x: {type: string, default: 1}":             "",
		"x: {type: string, default: \"a\\0\"}":      "",
		"x: {type: string?, default: a}":            "",
		"x: {type: bool, default: false}":           "false",
		"x: {type: bool, default: \"false\"}":       "",
		"x: {type: int, default: -12}":              "-12",
		"x: {type: int, default: 010}":              "",
		"x: {type: int, default: 0x10}":             "",
		"x: {type: int, default: 1.0}":              "",
		"x: {type: int, default: \"1\"}":            "",
		"x: {type: int32, default: 2147483648}":     "",
		"x: {type: uint32, default: -1}":            "",
		"x: {type: uint32, default: 4294967295}":    "4294967295",
		"x: {type: int64, default: 99999999999999}": "99999999999999",
		"x: {type: float64, default: 1e3}":          "1000",
		"x: {type: float64, default: 1.5}":          "1.5",
		"x: {type: float64, default: 7}":            "7",
		"x: {type: float64, default: \"7\"}":        "",
		"x: {type: float64, default: .inf}":         "",
		"x: {type: float64, default: nan}":          "",
		"x: {type: duration, default: 1m30s}":       "90000000000",
		"x: {type: duration, default: 90}":          "",
		"x: {type: size, default: s}":               `"s"`,
		"x: {type: size, default: \"1\"}":           `"1"`,
		"x: {type: size, default: 1}":               "",
		"x: {type: size, default: m}":               "",
		"x: {type: line, default: {a: 1}}":          "",
		"x: {type: [int], default: [1]}":            "",
		"x: {type: date, default: 2030-01-02}":      "",
		"x: {type: json, default: {}}":              "",
		"x: {type: net/netip.Addr, default: a}":     "",
		"x: {type: nowhere, default: a}":            "",
		"x: {type: string, default: }":              "",
		"x: {default: a}":                           "",
		"x: {type: string, default: a, default: b}": "",
		"x: {type: string, defualt: a}":             "",
		"x: {type: string, renamed_from: x}":        "",
		"x: {type: string, renamed_from: 1}":        "",
		"x: {type: string, deprecated: \"\"}":       "",
		"x: {type: string, deprecated: [a]}":        "",
		"x: {type: {type: string}}":                 "",
	} {
		file, mistakes := schema.Parse("jobs.yaml", []byte(fieldHead+field+"\n"))
		if want == "" {
			if len(mistakes) != 1 {
				t.Errorf("%s: %d mistakes, want one: %v", field, len(mistakes), mistakes)
			}
			continue
		}
		if len(mistakes) > 0 {
			t.Errorf("%s: %v", field, mistakes[0].Message)
			continue
		}
		if got := file.Jobs[0].Payload[0].Default.JSON; got != want {
			t.Errorf("%s: %s, want %s", field, got, want)
		}
	}
}

func TestALongFieldIsNoMap(t *testing.T) {
	t.Parallel()
	const src = "x: {type: {string: int}}\n      y: {string: int}\n      # What.\n      z:\n        type: string\n        renamed_from: w\n        deprecated: use x\n"
	file, mistakes := schema.Parse("jobs.yaml", []byte(fieldHead+src))
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	f := file.Jobs[0].Payload
	if f[0].Type.Map == nil || f[1].Type.Map == nil || f[2].Stored() != "w" || f[2].Doc != "What." || f[2].Deprecated.Value != "use x" {
		t.Errorf("%+v %+v %+v", f[0], f[1], f[2])
	}
}

func TestReservedKeysAreKeptFree(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"x: int\n    reserved: [y]":                                              "",
		"x: int\n    reserved: [x]":                                              "reserved in line",
		"x: {type: int, renamed_from: y}\n    reserved: [y]":                     "reserved in line",
		"x: {type: int, renamed_from: y}\n    reserved: [x]":                     "",
		"x: int\n    reserved: [y, y]":                                           "reserved already",
		"x: int\n    reserved: y":                                                "a list of keys",
		"x: int\n    reserved: [1]":                                              "text",
		"x: int\n    reserved: [\"\"]":                                           "it is empty",
		"x: int\n      y: {type: int, renamed_from: x}":                          "would both be stored",
		"x: {type: int, renamed_from: y}\n      y: int":                          "would both be stored",
		"x: {type: int, renamed_from: y}\n      y: {type: int, renamed_from: x}": "",
	} {
		_, mistakes := schema.Parse("jobs.yaml", []byte(fieldHead+src+"\n"))
		switch {
		case want == "" && len(mistakes) > 0:
			t.Errorf("%s: %v", src, mistakes[0].Message)
		case want != "" && (len(mistakes) != 1 || !strings.Contains(mistakes[0].Message, want)):
			t.Errorf("%s: %v, want %s", src, mistakes, want)
		}
	}
}
