package codec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/jobgen/jobgen/runtime/codec"
)

// lax says what encoding/json accepts of data that package codec does not.
func lax(data []byte) string {
	if bytes.Contains(bytes.ToLower(data), []byte(`\ud`)) {
		return "a surrogate"
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	seen := []map[string]bool{}
	inKey := []bool{}
	for depth := 0; ; {
		tok, err := dec.Token()
		if err == io.EOF {
			return ""
		}
		if err != nil {
			return "broken"
		}
		if delim, ok := tok.(json.Delim); ok && (delim == '}' || delim == ']') {
			seen, inKey, depth = seen[:depth-1], inKey[:depth-1], depth-1
			continue
		}
		if depth > 0 && seen[depth-1] != nil && inKey[depth-1] {
			key := strings.ToLower(tok.(string))
			if seen[depth-1][key] {
				return "a key that is there twice"
			}
			seen[depth-1][key] = true
			for _, known := range []string{"id", "lines", "labels", "ship_to", "tags", "name", "count", "street", "next", "s", "\u017f"} {
				if tok != known && strings.EqualFold(key, known) {
					return "a key in another case"
				}
			}
			inKey[depth-1] = false
			continue
		}
		if depth > 0 && seen[depth-1] != nil {
			inKey[depth-1] = true
		}
		if delim, ok := tok.(json.Delim); ok {
			depth++
			if depth > codec.MaxDepth-1 {
				return "deep"
			}
			if delim == '{' {
				seen = append(seen, map[string]bool{})
			} else {
				seen = append(seen, nil)
			}
			inKey = append(inKey, delim == '{')
		}
	}
}

// FuzzReadingAgreesWithEncodingJSON asks for the same result where both read,
// and for no more to be read, but strictly less.
func FuzzReadingAgreesWithEncodingJSON(f *testing.F) {
	good, err := codec.Append(nil, &anOrder)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, data := range []string{
		`{"id":"1","lines":[],"labels":{}}`, `{"id":"-7","lines":null,"labels":null,"ship_to":null,"tags":null} `, `{"lines":[{"name":"\u0000\n\/","count":-0}],"labels":{"":"\ufffd"},"id":"+1"}`,
		`{"id":"1","x":[1.5e-7,{"y":[true,false,null]}],"lines":[],"labels":{}}`, `{"ID":"1"}`, `{"id":"1","id":"2"}`, "{\"id\":\"\xff\"}", `{"id":"\ud800"}`, `{"a":[[[[[]]]]]}`, `{"id":"1","lines":[{"name":"a"}]}`,
		`{"count":123456789012345678901234567890}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got order
		var plain plainOrder
		err, plainErr := codec.Unmarshal(data, &got), json.Unmarshal(data, &plain)
		if err == nil && plainErr != nil {
			t.Fatalf("read, though encoding/json says %v", plainErr)
		}
		var ce *codec.Error
		if err != nil {
			if !errors.As(err, &ce) {
				t.Fatalf("an error of type %T", err)
			}
			strict := strings.Contains(err.Error(), "missing") || strings.Contains(err.Error(), "null where") || strings.Contains(err.Error(), "UTF-8") ||
				strings.Contains(err.Error(), "digits of an id")
			if plainErr == nil && !strict && lax(data) == "" {
				t.Fatalf("not read, though encoding/json does: %v", err)
			}
			return
		}
		if lax(data) == "" {
			if d := cmp.Diff(order(plain), got); d != "" {
				t.Fatalf("read otherwise than by encoding/json (-want +got):\n%s", d)
			}
		}
		again, err := codec.Append(nil, &got)
		if err != nil {
			if strings.Contains(err.Error(), "NUL") || strings.Contains(err.Error(), "more than") {
				return
			}
			t.Fatalf("what was read cannot be written: %v", err)
		}
		var back order
		if err := codec.Unmarshal(again, &back); err != nil {
			t.Fatal(err)
		}
		if twice, _ := codec.Append(nil, &back); !bytes.Equal(again, twice) {
			t.Fatalf("written twice:\n%s\n%s", again, twice)
		}
	})
}
