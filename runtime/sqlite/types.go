package sqlite

import (
	"context"

	"github.com/jobgen/jobgen/runtime/driver"
	"github.com/jobgen/jobgen/runtime/sqlite/internal/sqlitedb"
)

// introduce makes the queues of the job types that a program knows, and keeps
// what their payloads hold. Where another program has meant something else by a
// type and version, and jobs of it are unfinished, it returns a
// [*runtime.TypeConflictError].
func (op *operation) introduce(ctx context.Context, known []driver.KnownType) error {
	made := make(map[string]bool)
	for _, t := range known {
		if !made[t.Queue] && t.Queue != "" {
			if _, err := op.CreateQueue(ctx, t.Queue); err != nil {
				return err
			}
			made[t.Queue] = true
		}
		if err := op.introduceFields(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (op *operation) introduceFields(ctx context.Context, t driver.KnownType) error {
	if t.Fields == "" {
		return nil
	}
	before, err := op.TypeFields(ctx, sqlitedb.TypeFieldsParams{Name: t.Type, Version: int64(t.Version)})
	if err != nil {
		return err
	}
	if len(before) > 0 {
		if before[0] == string(t.Fields) {
			return nil
		}
		if reason := t.Fields.Conflict(driver.Fields(before[0])); reason != "" {
			unfinished, err := op.TypeIsUnfinished(ctx, sqlitedb.TypeIsUnfinishedParams{Type: t.Type, Version: int64(t.Version)})
			if err != nil {
				return err
			}
			if unfinished {
				return &driver.TypeConflictError{Type: t.Type, Version: t.Version, Reason: reason}
			}
		}
	}
	return op.SetTypeFields(ctx, sqlitedb.SetTypeFieldsParams{Name: t.Type, Version: int64(t.Version), Fields: string(t.Fields)})
}
