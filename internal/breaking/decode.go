package breaking

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/bwmarrin/snowflake"

	"github.com/jobgen/jobgen/internal/schema"
	"github.com/jobgen/jobgen/runtime"
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
		return fmt.Errorf("%s is no JSON object", where(path))
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

// takesNull says which built-in types are written as null where they are empty.
var takesNull = map[string]bool{"bytes": true, "json": true}

func decode(ref *schema.Ref, data []byte, path string) error {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		if ref.Optional || ref.List != nil || ref.Map != nil || ref.Name != "" || takesNull[ref.Builtin] {
			return nil
		}
		return fmt.Errorf("%s is null", path)
	}
	switch {
	case ref.List != nil:
		var values []json.RawMessage
		if err := json.Unmarshal(data, &values); err != nil {
			return fmt.Errorf("%s is no list", path)
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
			return fmt.Errorf("%s is no JSON object", path)
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
			return fmt.Errorf("%s is no text", path)
		}
		if values(ref.Declared)[text] == nil {
			return fmt.Errorf("%s is %.80q, which is no value of %s", path, text, ref.Declared.Name.Value)
		}
		return nil
	case ref.Declared != nil:
		return decodeFields(ref.Declared.Fields, data, path)
	case ref.Name != "":
		return nil
	}
	if err := json.Unmarshal(data, builtin(ref.Builtin)); err != nil {
		return fmt.Errorf("%s does not read as %s: %s", path, ref.Builtin, reason(err))
	}
	return nil
}

// builtin returns where generated code reads a built-in type into.
func builtin(name string) any {
	switch name {
	case "string":
		return new(string)
	case "bool":
		return new(bool)
	case "int", "int64":
		return new(int64)
	case "int32":
		return new(int32)
	case "uint32":
		return new(uint32)
	case "float64":
		return new(float64)
	case "bytes":
		return new([]byte)
	case "time":
		return new(time.Time)
	case "duration":
		return new(time.Duration)
	case "date":
		return new(runtime.Date)
	case "uuid":
		return new(runtime.UUID)
	case "snowflake":
		return new(snowflake.ID)
	case "decimal":
		return new(runtime.Decimal)
	}
	return new(json.RawMessage)
}

// reason shortens what encoding/json says.
func reason(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return "it is a " + wrong.Value
	}
	return fmt.Sprintf("%.200s", err)
}
