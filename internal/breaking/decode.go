package breaking

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jobgen/jobgen/internal/schema"
)

// Decode reads a stored payload as a program does whose payload has fields, and
// returns what of it does not read: a field that is missing, or one that is of
// another type. It is stricter than a program in one thing: a value that the enum
// does not have is read and handed to the handler.
//
// What is of a Go type is not looked at.
func Decode(fields []*schema.Field, data []byte) error {
	return decodeFields(fields, data, "")
}

func decodeFields(fields []*schema.Field, data []byte, path string) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil || values == nil {
		return fmt.Errorf("%s is not a JSON object", where(path))
	}
	for _, f := range fields {
		key := f.Stored()
		name := key
		if path != "" {
			name = path + "." + key
		}
		value, there := values[key]
		switch {
		case there:
			if err := decode(f.Type, value, name); err != nil {
				return err
			}
		case !f.Type.Optional && f.Default == nil:
			return fmt.Errorf("%s is missing", where(name))
		}
	}
	return nil
}

func where(path string) string {
	if path == "" {
		return "the payload"
	}
	return path
}

func decode(ref *schema.Ref, data []byte, path string) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		if ref.Optional || ref.List != nil || ref.Map != nil || ref.Name != "" || ref.Builtin != nil && ref.Builtin.Null {
			return nil
		}
		return fmt.Errorf("%s is null", path)
	}
	switch {
	case ref.List != nil:
		var values []json.RawMessage
		if err := json.Unmarshal(data, &values); err != nil {
			return fmt.Errorf("%s is not a list", path)
		}
		for i, v := range values {
			if err := decode(ref.List, v, path+"["+strconv.Itoa(i)+"]"); err != nil {
				return err
			}
		}
		return nil
	case ref.Map != nil:
		var values map[string]json.RawMessage
		if err := json.Unmarshal(data, &values); err != nil {
			return fmt.Errorf("%s is not a JSON object", path)
		}
		for key, v := range values {
			if err := decode(ref.Map, v, path+"["+strconv.Quote(key)+"]"); err != nil {
				return err
			}
		}
		return nil
	case ref.Declared != nil && ref.Declared.IsEnum:
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("%s is not text", path)
		}
		if values(ref.Declared)[text] == nil {
			return fmt.Errorf("%s is %.80q, which is not a value of %s", path, text, ref.Declared.Name.Value)
		}
		return nil
	case ref.Declared != nil:
		return decodeFields(ref.Declared.Fields, data, path)
	case ref.Name != "":
		return nil
	}
	if err := ref.Builtin.Read(data); err != nil {
		return fmt.Errorf("%s does not read as %s: %v", path, ref.Builtin.Name, err)
	}
	return nil
}
